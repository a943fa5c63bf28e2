// The k largest products of a head, exactly, from little more than half of its bytes.
//
// A pass over the high nibbles gives every product up to an error that the row's stored bound times the activations'
// length limits (packing.cpp, screening_bound). A row whose product plus bound stays below k products already known
// cannot be among the k largest, whatever its low nibbles; every other row is computed in full, with the roundings of
// the matrix product. The more rows were seen, the higher the threshold and the fewer low nibbles are read: exactness
// never depends on how tight the bound is, only the number of bytes does.
#pragma once

#include <algorithm>
#include <bit>

#include "ops/generic/matmul.hpp"
#include "tensor/half.hpp"

namespace sw::generic {

template <class S>
std::int32_t dot_split(const std::byte* high_quads, const std::byte* low, const std::int8_t* x) {
  if constexpr (requires { S::dot_split(high_quads, low, x); }) {
    return S::dot_split(high_quads, low, x);
  } else {
    std::int32_t sum = 0;
    for (int i = 0; i < 16; ++i) {
      const int high = static_cast<int>(high_quads[64 * (i / 4) + i % 4]), low_pair = static_cast<int>(low[i]);
      sum += ((high & 15) << 4 | (low_pair & 15)) * x[i] + ((high & 0xf0) | low_pair >> 4) * x[16 + i];
    }
    return sum;
  }
}

/// Row `lane` of a panel times the activations, rounded as direct_tile rounds.
template <class S>
float full_product(const Panel& panel, int lane, std::int64_t blocks, const Activations& x) {
  const std::byte* low = panel.low + low_nibbles_of_row(lane);
  float acc = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int32_t t =
        x.offsets32[b] + dot_split<S>(panel.quants + b * 256 + 4 * lane, low + b * 256, x.q8 + b * 32);
    std::uint16_t scale;
    __builtin_memcpy(&scale, panel.scales + b * 32 + 2 * lane, sizeof scale);
    acc = __builtin_fmaf(static_cast<float>(t), f16_to_f32(scale) * x.scales[b], acc);
  }
  return acc;
}

/// Upper bounds of a panel's 16 products.
template <class S>
typename S::F upper_bounds(const PackedMatrix& w, std::int64_t p, const Activations& x, float length) {
  using F = typename S::F;
  const Panel panel(w, p);
  const std::int64_t blocks = w.cols / 32;
  F acc = S::zero();
  for (std::int64_t b = 0; b < blocks; ++b) {
    prefetch_ahead<S>(panel.quants + b * 288, S::prefetch_bytes, 288);
    auto t = S::zero_i();
    for (int j = 0; j < 4; ++j) {
      const auto bytes = S::load_bytes(panel.quants + b * 256 + 64 * j);
      t = S::dot_small(t, S::low_nibbles(bytes), x.q8 + b * 32 + 4 * j);
      t = S::dot_small(t, S::high_nibbles(bytes), x.q8 + b * 32 + 16 + 4 * j);
    }
    // 16·high + 7.5 − 128 for every column; exact in fp32: below 2^20 in steps of 0.5.
    const F centre = S::set(static_cast<float>(x.offsets32[b]) * (120.5f / 128));
    const F scale = S::mul(S::load_f16(panel.scales + b * 32), S::broadcast(x.scales + b));
    acc = S::fma(S::fma(S::to_float(t), S::set(16.0f), centre), scale, acc);
  }
  return S::fma(S::load(reinterpret_cast<const float*>(panel.supers)), S::set(length), acc);
}

/// Keeps the k largest values of a thread, and the shared threshold as high as any thread's k-th.
template <class S>
void keep_best(const Screen& screen, float value) {
  if (!(value > screen.best[0])) return;
  int i = 0;
  for (; i + 1 < screen.k && screen.best[i + 1] < value; ++i) screen.best[i] = screen.best[i + 1];
  screen.best[i] = value;
  const float reached = screen.best[0] - __builtin_fabsf(screen.best[0]) * screen_slack;
  float known = screen.threshold->load(std::memory_order_relaxed);
  while (reached > known && !screen.threshold->compare_exchange_weak(known, reached, std::memory_order_relaxed)) {
  }
}

template <class S>
void screen(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const Screen& s,
            float* y) {
  const std::int64_t blocks = w.cols / 32;
  // Rows that passed wait for one panel, while their low nibbles come from memory.
  std::int64_t waiting_panel = begin;
  unsigned waiting = 0;
  const auto finish_waiting = [&] {
    const Panel panel(w, waiting_panel);
    for (; waiting; waiting &= waiting - 1) {
      const int lane = std::countr_zero(waiting);
      const std::int64_t row = waiting_panel * panel_rows + lane;
      if (row >= w.rows) return waiting = 0, void();
      y[row] = full_product<S>(panel, lane, blocks, x);
      keep_best<S>(s, y[row]);
    }
  };
  for (std::int64_t p = begin; p < end; ++p) {
    alignas(64) float upper[panel_rows];
    S::store(upper, upper_bounds<S>(w, p, x, s.length));
    const float threshold = s.threshold->load(std::memory_order_relaxed);
    unsigned passed = 0;
    for (unsigned lane = 0; lane < panel_rows; ++lane)
      passed |= static_cast<unsigned>(!(upper[lane] < threshold)) << lane;
    const std::int64_t rows = std::min<std::int64_t>(panel_rows, w.rows - p * panel_rows);
    std::fill_n(y + p * panel_rows, rows, -__builtin_inff());
    for (unsigned left = passed; left; left &= left - 1)
      for (std::int64_t b = 0; b < blocks; ++b)
        S::prefetch(w.low_nibbles(p) + b * 256 + low_nibbles_of_row(std::countr_zero(left)));
    finish_waiting();
    waiting_panel = p;
    waiting = passed;
  }
  finish_waiting();
}

}  // namespace sw::generic
