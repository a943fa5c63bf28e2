// Elementary functions that compilers vectorize, and one register tile of a matrix product. Included once per
// instruction set, in an unnamed namespace.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace sw::train {
namespace {

/// e^x for x clamped to [−87.3, 88]; relative error < 2e-7. NaN stays NaN.
inline float fast_exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.0f ? 88.0f : x;
  // x = n·ln2 + r with |r| ≤ ln2/2: adding 1.5·2^23 leaves round(x / ln2) in the low bits.
  const float shifted = x * 1.44269504088896341f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693145751953125f) - n * 1.42860682030941723212e-6f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return __builtin_bit_cast(float,
                            __builtin_bit_cast(std::uint32_t, p) + (__builtin_bit_cast(std::uint32_t, shifted) << 23));
}

inline float fast_tanh(float x) {
  return 1.0f - 2.0f / (fast_exp(2.0f * x) + 1.0f);
}
inline float sigmoid(float x) {
  return 1.0f / (1.0f + fast_exp(-x));
}

#if defined(__AVX512F__)
inline constexpr int lanes = 16;
#else
inline constexpr int lanes = 8;
#endif
using Vector = float __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));

inline Vector load(const float* at) {
  return *reinterpret_cast<const Vector*>(at);
}
inline void store(float* at, Vector v) {
  *reinterpret_cast<Vector*>(at) = v;
}

/// Rows of a tile are padded to this many columns.
inline constexpr int tile_columns = 2 * lanes;
inline int padded(int n) {
  return (n + tile_columns - 1) / tile_columns * tile_columns;
}

/// Element (row, i) of the left matrix is a[row · row_stride + i · step].
struct Left {
  const float* a;
  std::int64_t row_stride, step;
};

template <int rows>
inline void tile_rows(const Left& left, const float* b, std::int64_t b_stride, int n, int k, float* c,
                      std::int64_t c_stride) {
  for (int column = 0; column < n; column += tile_columns) {
    Vector sum[rows][2];
    for (int r = 0; r < rows; ++r) {
      sum[r][0] = load(c + r * c_stride + column);
      sum[r][1] = load(c + r * c_stride + column + lanes);
    }
    for (int i = 0; i < k; ++i) {
      const Vector b0 = load(b + i * b_stride + column), b1 = load(b + i * b_stride + column + lanes);
      for (int r = 0; r < rows; ++r) {
        const float a = left.a[r * left.row_stride + i * left.step];
        sum[r][0] += a * b0;
        sum[r][1] += a * b1;
      }
    }
    for (int r = 0; r < rows; ++r) {
      store(c + r * c_stride + column, sum[r][0]);
      store(c + r * c_stride + column + lanes, sum[r][1]);
    }
  }
}

/// c [m, n] += left [m, k] · b [k, n]; n is a multiple of tile_columns.
inline void tile_product(int m, int n, int k, const Left& left, const float* b, std::int64_t b_stride, float* c,
                         std::int64_t c_stride) {
  constexpr int rows = lanes == 16 ? 8 : 4;
  int row = 0;
  for (; row + rows <= m; row += rows)
    tile_rows<rows>({left.a + row * left.row_stride, left.row_stride, left.step}, b, b_stride, n, k, c + row * c_stride,
                    c_stride);
  for (; row < m; ++row)
    tile_rows<1>({left.a + row * left.row_stride, left.row_stride, left.step}, b, b_stride, n, k, c + row * c_stride,
                 c_stride);
}

inline void zero(float* x, std::int64_t n) {
  std::memset(x, 0, static_cast<std::size_t>(n) * sizeof(float));
}

}  // namespace
}  // namespace sw::train
