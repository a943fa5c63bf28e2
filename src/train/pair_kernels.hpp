#pragma once

#include <cstdint>

#include "train/kernels.hpp"

namespace sw::train {

/// A matrix in BF16 pairs: panels of 16 rows or columns, in each [pairs, 16, 2], a pair being two numbers next to each
/// other in the sums. Both ends are filled up with zeros.
inline constexpr std::int64_t panel_width = 16, panel_pair = 2 * panel_width;

/// c [m, n] = or += a·b, summed over pairs.
struct PairProduct {
  const std::uint16_t* a;
  std::int64_t a_row, a_pair, a_panel;  ///< from one row, pair and 16 rows to the next
  const std::uint16_t* b;               ///< panels of 16 columns
  std::int64_t b_panel;
  float* c;
  std::int64_t c_stride, m, n, pairs;
  bool add;
};

/// Products by dot products of BF16 pairs, two of which count as one number.
struct PairKernels {
  /// Rows of x to panels of its columns, pairs down the columns. `panels` points to the first row's pairs; panels are
  /// `panel` numbers apart.
  void (*pack_down)(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* panels,
                    std::int64_t panel);
  /// The same to cache lines that are not read soon.
  void (*pack_down_past_cache)(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols,
                               std::uint16_t* panels, std::int64_t panel);
  /// 16 rows of x, or fewer, to one panel, pairs along the rows.
  void (*pack_along)(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* panel);
  /// Rows as they are, `out_stride` (even) apart, an odd number of columns filled up.
  void (*to_rows)(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* out,
                  std::int64_t out_stride);
  void (*multiply)(const PairProduct& product);
  AttentionKernels attention;
};

#if defined(__x86_64__)
extern const PairKernels avx512_pair_kernels;
#endif

}  // namespace sw::train
