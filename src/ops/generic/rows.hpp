// Operations on rows of activations: norms, rotations, activations, quantization to 8 bits, and Mamba's recurrences.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "ops/generic/math.hpp"
#include "ops/generic/tiles.hpp"
#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw::generic {

template <class S>
void rms_norm(const float* x, const float* weight, float eps, std::int64_t n, float* y) {
  typename S::F sum = S::zero();
  for_lanes(n, [&](long i, int lanes) {
    const auto v = load_n<S>(x + i, lanes);
    sum = S::fma(v, v, sum);
  });
  const auto scale = S::set(1.0f / std::sqrt(S::sum_lanes(sum) / static_cast<float>(n) + eps));
  for_lanes(n, [&](long i, int lanes) {
    store_n<S>(y + i, S::mul(S::mul(load_n<S>(x + i, lanes), scale), load_n<S>(weight + i, lanes)), lanes);
  });
}

/// Sums of 16 codes each, of a group.
template <class S>
void sums_of_16(const std::int8_t (&q)[activation_group], std::int32_t (&sums)[activation_group / 16]) {
  if constexpr (requires { S::sums_of_16(q, sums); }) {
    static_assert(activation_group == 128);
    S::sums_of_16(q, sums);
  } else {
    for (int half = 0; half < activation_group / 16; ++half) {
      std::int32_t sum = 0;
      for (int i = 0; i < 16; ++i) sum += q[16 * half + i];
      sums[half] = sum;
    }
  }
}

/// A group of `columns` from column `from` on: scale = max|x| / 127, q = round(x · 127 / max|x|); ties to even. The
/// number is a constant for whole groups.
template <class S, class Columns>
void quantize_group(const float* in, std::int64_t from, Columns columns, const RowInTile& at, ActivationForms forms,
                    const Activations& x) {
  auto largest = S::zero();
  for (std::int64_t k = 0; k < columns; k += 16) largest = S::max(largest, S::abs(S::load(in + k)));
  const float most = S::max_lanes(largest);
  const auto inverse = S::set(most >= smallest_group ? 127.0f / most : 0.0f);
  x.scales[at.at(from / activation_group, activation_groups(x.cols))] = most / 127.0f;
  alignas(64) std::int8_t q[activation_group];
  for (std::int64_t k = 0; k < activation_group; k += 64) {
    typename S::F scaled[4];
    for (int i = 0; i < 4; ++i) {
      const auto value = k + 16 * i < columns ? S::mul(S::load(in + k + 16 * i), inverse) : S::zero();
      // Only a NaN or an infinity is ever outside.
      scaled[i] = S::min(S::max(value, S::set(-127.0f)), S::set(127.0f));
    }
    S::store_i8(q + k, scaled);
  }
  std::int8_t* codes = x.q8 + 32 * at.at(from / 32, x.cols / 32);
  for (std::int64_t k = 0; k < columns; k += 32) std::memcpy(codes + k * at.height, q + k, 32);
  constexpr int most_blocks = activation_group / 32;
  std::int32_t halves[2 * most_blocks], blocks[most_blocks];
  sums_of_16<S>(q, halves);
  for (int i = 0; i < most_blocks; ++i) blocks[i] = halves[2 * i] + halves[2 * i + 1];
  const auto store = [&](auto* to, const auto& sums, auto&& f) {
    const std::int64_t width = activation_group / static_cast<std::int64_t>(std::size(sums));
    to += at.at(from / width, x.cols / width);
    for (std::int64_t i = 0; i < columns / width; ++i) to[i * at.height] = f(sums[i]);
  };
  const auto offset = [](std::int32_t sum) { return -128 * sum; };
  store(x.offsets32, blocks, offset);
  if (forms.halves) store(x.offsets16, halves, offset);
  if (forms.sums) store(x.sums, blocks, [](std::int32_t sum) { return static_cast<float>(sum); });
}

template <class S>
void prepare_q8(const float* values, std::int64_t row, std::int64_t begin, std::int64_t end, ActivationForms forms,
                const Activations& x) {
  const RowInTile at = row_in_tile(row, x.rows, x.rows <= S::direct_rows ? S::direct_rows : S::tile_rows);
  constexpr std::integral_constant<std::int64_t, activation_group> whole;
  std::int64_t from = begin;
  for (; end - from >= activation_group; from += activation_group)
    quantize_group<S>(values + (from - begin), from, whole, at, forms, x);
  if (from < end) quantize_group<S>(values + (from - begin), from, end - from, at, forms, x);
}

template <class S>
void prepare_bf16(const float* values, std::int64_t row, std::int64_t begin, std::int64_t end, const Activations& x) {
  const RowInTile at = row_in_tile(row, x.rows, S::float_tile_rows);
  std::uint16_t* to = x.bf16 + bf16_piece * at.at(begin / bf16_piece, bf16_stride(x.cols) / bf16_piece);
  for (; begin < end; begin += bf16_piece, values += bf16_piece, to += bf16_piece * at.height) {
    const std::int64_t n = std::min(end - begin, bf16_piece);
    if constexpr (S::has_bf16_dot) {
      if (n == bf16_piece) {
        S::store_bf16(to, S::load(values));
        S::store_bf16(to + 16, S::load(values + 16));
        continue;
      }
    }
    for (std::int64_t k = 0; k < bf16_piece; ++k) to[k] = k < n ? f32_to_bf16(values[k]) : std::uint16_t{0};
  }
}

template <class S>
void prepare(const float* values, std::int64_t row, std::int64_t begin, std::int64_t end, ActivationForms forms,
             const Activations& x) {
  if (forms.f32 && x.f32 + row * x.cols + begin != values)
    std::memcpy(x.f32 + row * x.cols + begin, values, static_cast<std::size_t>(end - begin) * sizeof(float));
  if (forms.bf16) prepare_bf16<S>(values, row, begin, end, x);
  if (forms.q8) prepare_q8<S>(values, row, begin, end, forms, x);
}

template <class S>
void rope(float* head, const float* cos, const float* sin, int dims, RopeLayout layout) {
  const int half = dims / 2;
  if (layout == RopeLayout::half) {
    for_lanes(half, [&](long i, int n) {
      const auto a = load_n<S>(head + i, n), b = load_n<S>(head + half + i, n);
      const auto c = load_n<S>(cos + i, n), s = load_n<S>(sin + i, n);
      store_n<S>(head + i, S::sub(S::mul(a, c), S::mul(b, s)), n);
      store_n<S>(head + half + i, S::add(S::mul(b, c), S::mul(a, s)), n);
    });
  } else {
    for (int i = 0; i < half; ++i) {
      const float a = head[2 * i], b = head[2 * i + 1];
      head[2 * i] = a * cos[i] - b * sin[i];
      head[2 * i + 1] = b * cos[i] + a * sin[i];
    }
  }
}

template <class S>
void activate(float* gate, const float* up, Activation activation, std::int64_t n) {
  const auto each = [&](auto f) {
    for_lanes(n, [&](long i, int lanes) {
      auto v = f(load_n<S>(gate + i, lanes));
      if (up) v = S::mul(v, load_n<S>(up + i, lanes));
      store_n<S>(gate + i, v, lanes);
    });
  };
  switch (activation) {
    case Activation::silu:
      return each([](auto v) { return generic::silu<S>(v); });
    case Activation::gelu_tanh:
      return each([](auto v) { return generic::gelu_tanh<S>(v); });
    case Activation::relu:
      return each([](auto v) { return S::max(v, S::zero()); });
    case Activation::gelu_erf:
      for (std::int64_t i = 0; i < n; ++i) {
        gate[i] = 0.5f * gate[i] * (1.0f + std::erf(gate[i] * 0.70710678118654752f));
        if (up) gate[i] *= up[i];
      }
  }
}

template <class S>
void softcap(float* x, float cap, std::int64_t n) {
  const auto c = S::set(cap), inverse = S::set(1.0f / cap);
  for_lanes(n, [&](long i, int lanes) {
    store_n<S>(x + i, S::mul(c, generic::tanh<S>(S::mul(load_n<S>(x + i, lanes), inverse))), lanes);
  });
}

template <class S>
void add(float* y, const float* x, std::int64_t n) {
  for_lanes(n, [&](long i, int lanes) {
    store_n<S>(y + i, S::add(load_n<S>(y + i, lanes), load_n<S>(x + i, lanes)), lanes);
  });
}

template <class S>
void conv(const float* x, std::int64_t x_stride, int tokens, int inner, int conv, const float* weight,
          const float* bias, float* history, float* y, std::int64_t y_stride, std::int64_t begin, std::int64_t end) {
  for (int t = 0; t < tokens; ++t) {
    const float* now = x + t * x_stride;
    for_lanes(end - begin, [&](long offset, int n) {
      const std::int64_t c = begin + offset;
      auto sum = load_n<S>(bias + c, n);
      for (int tap = 0; tap < conv - 1; ++tap)
        sum = S::fma(load_n<S>(history + tap * inner + c, n), load_n<S>(weight + tap * inner + c, n), sum);
      const auto newest = load_n<S>(now + c, n);
      sum = S::fma(newest, load_n<S>(weight + (conv - 1) * inner + c, n), sum);
      for (int tap = 0; tap + 2 < conv; ++tap)
        store_n<S>(history + tap * inner + c, load_n<S>(history + (tap + 1) * inner + c, n), n);
      if (conv > 1) store_n<S>(history + (conv - 2) * inner + c, newest, n);
      store_n<S>(y + t * y_stride + c, generic::silu<S>(sum), n);
    });
  }
}

/// One strip of up to 16 channels through all tokens; a and h: [state] rows, `stride` floats apart.
template <class S>
void scan_strip(const ScanArgs& s, std::int64_t c, int n, const float* a, float* h, std::int64_t stride) {
  const auto d = load_n<S>(s.d + c, n);
  const int state = s.state;
  for (int t = 0; t < s.tokens; ++t) {
    const float *b_t = s.b + t * s.bc_stride, *c_t = s.c + t * s.bc_stride;
    const auto u = load_n<S>(s.u + t * s.u_stride + c, n);
    const auto dt = generic::softplus<S>(load_n<S>(s.dt + t * s.dt_stride + c, n));
    const auto dt_u = S::mul(dt, u);
    auto y = S::mul(d, u);
    for (int i = 0; i < state; ++i) {
      const auto decay = generic::exp<S>(S::mul(dt, load_n<S>(a + i * stride, n)));
      const auto next = S::fma(decay, load_n<S>(h + i * stride, n), S::mul(dt_u, S::set(b_t[i])));
      store_n<S>(h + i * stride, next, n);
      y = S::fma(next, S::set(c_t[i]), y);
    }
    const auto gate = generic::silu<S>(load_n<S>(s.z + t * s.z_stride + c, n));
    store_n<S>(s.y + t * s.y_stride + c, S::mul(y, gate), n);
  }
}

template <class S>
void scan(const ScanArgs& s, std::int64_t begin, std::int64_t end) {
  // A strip's states are a row of all channels apart, often a power of two: a cache keeps few such lines at once.
  constexpr int most = 64;
  alignas(64) float a[most * 16], h[most * 16];
  for_lanes(end - begin, [&](long offset, int n) {
    const std::int64_t c = begin + offset;
    if (s.state > most || s.tokens == 1) return scan_strip<S>(s, c, n, s.a + c, s.h + c, s.inner);
    for (int i = 0; i < s.state; ++i) {
      S::store(a + 16 * i, load_n<S>(s.a + i * s.inner + c, n));
      S::store(h + 16 * i, load_n<S>(s.h + i * s.inner + c, n));
    }
    scan_strip<S>(s, c, n, a, h, 16);
    for (int i = 0; i < s.state; ++i) store_n<S>(s.h + i * s.inner + c, S::load(h + 16 * i), n);
  });
}

}  // namespace sw::generic
