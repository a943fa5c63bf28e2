// Tiles whose number of rows the compiler knows, so that their accumulators stay in registers.
#pragma once

#include <cstdint>
#include <utility>

namespace sw::generic {

/// Calls tile<M>(row) for all rows in the fewest tiles of at most Most, as even as they can be: a rest of one or two
/// rows would wait for its own results, one dot product after another.
template <int Most, class Tile>
void for_row_tiles(std::int64_t rows, Tile&& tile) {
  const std::int64_t tiles = (rows + Most - 1) / Most;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t row = rows * i / tiles;
    const auto height = static_cast<int>(rows * (i + 1) / tiles - row);
    [&]<int... M>(std::integer_sequence<int, M...>) {
      (void)((height == Most - M && (tile.template operator()<Most - M>(row), true)) || ...);
    }(std::make_integer_sequence<int, Most>{});
  }
}

// Compiled for every instruction set: a linker must not take one for another.
namespace {

/// Where a row of 8-bit or BF16 activations lies: for_row_tiles's tiles follow each other, and within one the rows'
/// first pieces lie side by side, then their second, … So a tile reads one stream, at distances that the compiler
/// knows: with its rows one after another it would need a register for each.
struct RowInTile {
  std::int64_t first, height, row;

  /// Index of piece i of the row, where rows have `n`.
  std::int64_t at(std::int64_t i, std::int64_t n) const { return first * n + i * height + row; }
};

/// Row `row` of `rows` in tiles of at most `most`.
inline RowInTile row_in_tile(std::int64_t row, std::int64_t rows, std::int64_t most) {
  if (rows <= most) return {0, rows, row};  // decoding: no divisions
  const std::int64_t tiles = (rows + most - 1) / most, i = ((row + 1) * tiles - 1) / rows;
  const std::int64_t first = rows * i / tiles;
  return {first, rows * (i + 1) / tiles - first, row - first};
}

}  // namespace

}  // namespace sw::generic
