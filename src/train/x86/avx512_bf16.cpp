#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "ops/x86/transpose.hpp"
#include "train/generic/attention.hpp"
#include "train/pair_kernels.hpp"

namespace sw::train {
namespace {

__mmask16 first_lanes(std::int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << std::max<std::int64_t>(n, 0)) - 1);
}

/// 32 numbers, the first in the low half; zeros where there are fewer.
__m512i pairs_of(const float* x, std::int64_t n) {
  const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
  const __m512 high = _mm512_maskz_loadu_ps(first_lanes(n - 16), x + 16);
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

template <bool past_cache>
void pack_down(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* panels,
               std::int64_t panel) {
  // Numbers of the first row and of the second in turn.
  const __m512i in_turn = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (std::int64_t column = 0; column < cols; column += panel_width, panels += panel) {
    const __mmask16 mask = first_lanes(cols - column);
    std::uint16_t* out = panels;
    for (std::int64_t row = 0; row < rows; row += 2, out += panel_pair) {
      const float* at = x + row * stride + column;
      const __m512 first = _mm512_maskz_loadu_ps(mask, at);
      const __m512 second = row + 1 < rows ? _mm512_maskz_loadu_ps(mask, at + stride) : _mm512_setzero_ps();
      const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
      const __m512i pairs = _mm512_permutexvar_epi16(in_turn, both);
      if constexpr (past_cache)
        _mm512_stream_si512(reinterpret_cast<__m512i*>(out), pairs);
      else
        _mm512_storeu_si512(out, pairs);
    }
  }
  if constexpr (past_cache) _mm_sfence();  // other threads read it
}

void pack_along(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* panel) {
  const std::int64_t pairs = (cols + 1) / 2;
  for (std::int64_t column = 0; column < cols; column += 32) {
    __m512i words[16];
    for (int row = 0; row < 16; ++row)
      words[row] = row < rows ? pairs_of(x + row * stride + column, cols - column) : _mm512_setzero_si512();
    transpose_16(words);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(16, pairs - column / 2); ++i)
      _mm512_storeu_si512(panel + (column / 2 + i) * panel_pair, words[i]);
  }
}

void to_rows(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::uint16_t* out,
             std::int64_t out_stride) {
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < cols; column += 32)
      _mm512_mask_storeu_epi32(out + row * out_stride + column, first_lanes((cols - column + 1) / 2),
                               pairs_of(x + row * stride + column, cols - column));
}

/// `rows` rows and `panels` panels of c; of the last panel `mask`. Brings the panel at `ahead` closer.
template <int rows, int panels>
void tile(const PairProduct& p, const std::uint16_t* a, const std::uint16_t* b, const std::uint16_t* ahead, float* c,
          __mmask16 mask) {
  const auto columns = [mask](int panel) { return panel == panels - 1 ? mask : __mmask16{0xffff}; };
  __m512 sums[rows][panels];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j) sums[r][j] = _mm512_setzero_ps();
  std::int64_t i = 0;
  // Lines of the result come while the sums are made, a row at a time: all at once they would hold up what the sums
  // read from the second cache.
  const std::int64_t step = p.pairs / (2 * rows);
#pragma GCC unroll 1
  for (int row = 0; row < rows; ++row) {
    for (int j = 0; j < panels; ++j) __builtin_prefetch(c + row * p.c_stride + j * panel_width, 1);
    for (const std::int64_t end = row + 1 < rows ? i + step : p.pairs; i < end; ++i) {
      _mm_prefetch(ahead + i * panel_pair, _MM_HINT_T1);
      _mm_prefetch(a + p.a_panel + i * p.a_pair, _MM_HINT_T1);
      __m512bh right[panels];
      for (int j = 0; j < panels; ++j)
        right[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + j * p.b_panel + i * panel_pair));
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        int pair;
        std::memcpy(&pair, a + r * p.a_row + i * p.a_pair, sizeof pair);
        const auto left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 3
        for (int j = 0; j < panels; ++j) sums[r][j] = _mm512_dpbf16_ps(sums[r][j], left, right[j]);
      }
    }
  }
  if (p.add) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
      for (int j = 0; j < panels; ++j)
        sums[r][j] = _mm512_add_ps(sums[r][j], _mm512_maskz_loadu_ps(columns(j), c + r * p.c_stride + j * panel_width));
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
    for (int j = 0; j < panels; ++j)
      _mm512_mask_storeu_ps(c + r * p.c_stride + j * panel_width, columns(j), sums[r][j]);
}

/// All rows, `rows` at a time and the rest in halves. The first ones bring the `next` panels after these closer.
template <int rows, int panels>
void down(const PairProduct& p, std::int64_t first, const std::uint16_t* b, std::int64_t next, float* c,
          __mmask16 mask) {
  for (; first + rows <= p.m; first += rows) {
    const std::int64_t number = first / rows;
    tile<rows, panels>(p, p.a + first / panel_width * p.a_panel + first % panel_width * p.a_row, b,
                       number < next ? b + (panels + number) * p.b_panel : b, c + first * p.c_stride, mask);
  }
  if constexpr (rows > 1) down<rows / 2, panels>(p, first, b, next, c, mask);
}

/// 8×3 registers of sums hide the latency of the products, and leave room for what is multiplied.
void multiply(const PairProduct& p) {
  const std::int64_t panels = (p.n + panel_width - 1) / panel_width;
  for (std::int64_t j = 0; j < panels;) {
    const std::int64_t left = panels - j, wide = left == 4 ? 2 : std::min<std::int64_t>(left, 3);
    const std::uint16_t* b = p.b + j * p.b_panel;
    float* c = p.c + j * panel_width;
    const __mmask16 mask = first_lanes(p.n - (j + wide - 1) * panel_width);
    const std::int64_t next = std::min<std::int64_t>(left - wide, 3);
    if (wide == 3) {
      down<8, 3>(p, 0, b, next, c, mask);
    } else if (wide == 2) {
      down<8, 2>(p, 0, b, next, c, mask);
    } else {
      down<8, 1>(p, 0, b, next, c, mask);
    }
    j += wide;
  }
}

/// How attention multiplies by pairs. Its numbers are the first halves of floats.
struct PairProducts {
  static std::int64_t pairs(int n) { return (n + 1) / 2; }
  static std::int64_t panels(int n) { return (n + panel_width - 1) / panel_width; }
  static std::uint16_t* take(Pieces& scratch, std::int64_t n) {
    return reinterpret_cast<std::uint16_t*>(scratch.take((n + 1) / 2));
  }

  struct Factor {
    Factor(Pieces& scratch, int n_rows, int cols, int sums)
        : stride((cols + 31) / 32 * 32),
          panel(pairs(n_rows) * panel_pair),
          rows(sums & along_rows ? take(scratch, n_rows * stride) : nullptr),
          down(sums & down_columns ? take(scratch, panels(cols) * panel) : nullptr) {}
    void set(const float* x, std::int64_t x_stride, int n, int cols) {
      if (rows) to_rows(x, x_stride, n, cols, rows, stride);
      if (down) pack_down<false>(x, x_stride, n, cols, down, panel);
    }
    std::int64_t stride, panel;
    std::uint16_t *rows, *down;
  };

  struct Weights : Factor {
    Weights(Pieces& scratch, int sums) : Factor(scratch, attention_tile, attention_tile, sums) {}
    void set(const float* weights, int queries) { Factor::set(weights, attention_tile, queries, attention_tile); }
  };

  /// Panels of 16 keys, zeros where rows are missing.
  struct Transposed {
    Transposed(Pieces& scratch, int tokens, int head_dim)
        : cols(head_dim),
          panel(pairs(head_dim) * panel_pair),
          at(take(scratch, (tokens + attention_tile - 1) / attention_tile * (attention_tile / panel_width) * panel)) {}
    void set(const float* x, std::int64_t stride, int rows) {
      const int end = (rows + attention_tile - 1) / attention_tile * attention_tile;
      for (int first = 0; first < end; first += panel_width)
        pack_along(x + first * stride, stride, rows - first, cols, at + first / panel_width * panel);
    }
    int cols;
    std::int64_t panel;
    std::uint16_t* at;
  };

  static void with_keys(const Factor& q, int queries, const Transposed& keys, int key, float* c) {
    multiply({.a = q.rows,
              .a_row = q.stride,
              .a_pair = 2,
              .a_panel = panel_width * q.stride,
              .b = keys.at + key / panel_width * keys.panel,
              .b_panel = keys.panel,
              .c = c,
              .c_stride = attention_tile,
              .m = queries,
              .n = attention_tile,
              .pairs = pairs(keys.cols),
              .add = false});
  }
  static void gather(const Weights& weights, int queries, int keys, const Factor& x, int first, int cols, float* c,
                     int c_stride) {
    PairProduct product = of_rows(x, first, keys, cols, c, c_stride);
    product.a = weights.rows;
    product.a_row = weights.stride;
    product.a_pair = 2;
    product.a_panel = panel_width * weights.stride;
    product.m = queries;
    multiply(product);
  }
  static void scatter(const Weights& weights, int queries, int keys, const Factor& x, int cols, float* c,
                      int c_stride) {
    PairProduct product = of_rows(x, 0, queries, cols, c, c_stride);
    product.a = weights.down;
    product.a_row = 2;
    product.a_pair = panel_pair;
    product.a_panel = weights.panel;
    product.m = keys;
    multiply(product);
  }

 private:
  /// c += something · n rows of x, from `first` on.
  static PairProduct of_rows(const Factor& x, int first, int n, int cols, float* c, int c_stride) {
    PairProduct product{};
    product.b = x.down + first / 2 * panel_pair;
    product.b_panel = x.panel;
    product.c = c;
    product.c_stride = c_stride;
    product.n = cols;
    product.pairs = pairs(n);
    product.add = true;
    return product;
  }
};

}  // namespace

const PairKernels avx512_pair_kernels = {
    .pack_down = pack_down<false>,
    .pack_down_past_cache = pack_down<true>,
    .pack_along = pack_along,
    .to_rows = to_rows,
    .multiply = multiply,
    .attention = {attention<PairProducts>, attention_backward<PairProducts>}};

}  // namespace sw::train
