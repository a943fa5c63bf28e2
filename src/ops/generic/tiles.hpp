// Tiles whose number of rows the compiler knows, so that their accumulators stay in registers.
#pragma once

#include <cstdint>
#include <utility>

namespace sw::generic {

/// Calls tile<M>(row) for all rows in the fewest tiles of at most Most, as even as they can be: a rest of one or two rows
/// would wait for its own results, one dot product after another.
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

}  // namespace sw::generic
