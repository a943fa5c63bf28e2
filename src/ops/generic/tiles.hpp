// Tiles whose number of rows the compiler knows, so that their accumulators stay in registers.
#pragma once

#include <cstdint>
#include <utility>

namespace sw::generic {

/// Calls tile<M>(row) for all rows in tiles of Most, the rest with the M that is left.
template <int Most, class Tile>
void for_row_tiles(std::int64_t rows, Tile&& tile) {
  std::int64_t row = 0;
  for (; row + Most <= rows; row += Most) tile.template operator()<Most>(row);
  const auto rest = static_cast<int>(rows - row);
  [&]<int... M>(std::integer_sequence<int, M...>) {
    (void)((rest == M + 1 && (tile.template operator()<M + 1>(row), true)) || ...);
  }(std::make_integer_sequence<int, Most - 1>{});
}

}  // namespace sw::generic
