// The k largest products of a head, or the winner of a race among them (ops/race.hpp), exactly, from little more than
// half of its bytes, or less.
//
// A pass over the high nibbles (q8_split), or over a sketch in 4 bits (bf16_split), gives every product up to an error that
// the row's stored bounds and the activations limit (pack.hpp). A row whose product plus bound stays below k products
// already known cannot be among the k largest, whatever was not read of it; every other row is computed in full, with
// the roundings of the matrix product. The more rows were seen, the higher the threshold and the less is read: exactness
// never depends on how tight the bound is, only the number of bytes does. In a race the same holds of scores. Bounds are
// kept, so that a caller who needs to know more can have the rows above any level computed (compute_bounded).
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
  float acc = 0, sum = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const Block block = panel.block<Packing::q8_split>(b);
    const std::int32_t t =
        x.offsets32[b] + dot_split<S>(block.quants + 4 * lane, block.low + low_nibbles_of_row(lane), x.q8 + b * 32);
    std::uint16_t scale;
    __builtin_memcpy(&scale, block.scales + 2 * lane, sizeof scale);
    sum = __builtin_fmaf(static_cast<float>(t), f16_to_f32(scale), sum);
    if ((b + 1) % (activation_group / 32) != 0 && b + 1 < blocks) continue;
    acc = __builtin_fmaf(sum, x.scales[b * 32 / activation_group], acc);
    sum = 0;
  }
  return acc;
}

/// Σ code·x̂ over block b, of the 16 rows of a panel whose codes have 4 bits; asks for what is read next.
template <class S>
typename S::I dot_codes(const Panel& panel, const Block& block, std::int64_t b, const Activations& x) {
  stream_ahead<S>(panel.at + b * 288, 288);
  QuadSum<S, 4> t;
  t.sum = S::zero_i();
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto bytes = S::load_bytes(block.quants + 64 * j);
    t.add(2 * j, S::low_nibbles(bytes), S::broadcast_quad(x.q8 + b * 32 + 4 * j));
    t.add(2 * j + 1, S::high_nibbles(bytes), S::broadcast_quad(x.q8 + b * 32 + 16 + 4 * j));
  }
  return t.sum;
}

/// Upper bounds of a panel's 16 products.
template <class S>
typename S::F upper_bounds(const PackedMatrix& w, std::int64_t p, const Activations& x, float length) {
  using F = typename S::F;
  const Panel panel(w, p);
  F acc[1][1] = {{S::zero()}};
  for_groups<S, 1, 1>(x, 0, acc, [&](std::int64_t b, F(&sums)[1][1]) {
    const Block block = panel.block<Packing::q8_split>(b);
    const auto t = dot_codes<S>(panel, block, b, x);
    // 16·high + 7.5 − 128 for every column; exact in fp32: below 2^20 in steps of 0.5.
    const F centre = S::set(static_cast<float>(x.offsets32[b]) * (120.5f / 128));
    sums[0][0] = S::fma(S::fma(S::to_float(t), S::set(16.0f), centre), S::load_f16(block.scales), sums[0][0]);
  });
  return S::fma(S::load(reinterpret_cast<const float*>(panel.bounds)), S::set(length), acc[0][0]);
}

/// Keeps the k largest of a thread, and the shared threshold as high as any thread's k-th.
template <class S>
void keep_best(const Screen& screen, std::int64_t row, float value) {
  if (screen.race) value = static_cast<float>(screen.race->score(value, static_cast<std::uint32_t>(row)));
  if (!(value > screen.best[0])) return;
  int i = 0;
  for (; i + 1 < screen.k && screen.best[i + 1] < value; ++i) screen.best[i] = screen.best[i + 1];
  screen.best[i] = value;
  const float least = screen.best[0];
  const float reached = least - (screen.race ? Race::slack(least) : __builtin_fabsf(least) * screen_slack);
  float known = screen.threshold->load(std::memory_order_relaxed);
  while (reached > known && !screen.threshold->compare_exchange_weak(known, reached, std::memory_order_relaxed)) {
  }
}

/// Which of a panel's rows can still be among the largest, one bit each; all are marked as left out in y.
template <class S>
unsigned passing(const PackedMatrix& w, std::int64_t p, typename S::F upper_bounds, const Screen& s, float* bounds,
                 float* y) {
  const std::int64_t first = p * panel_rows, rows = std::min<std::int64_t>(panel_rows, w.rows - first);
  alignas(64) float upper[panel_rows];
  S::store(upper, upper_bounds);
  __builtin_memcpy(bounds + first, upper, static_cast<std::size_t>(rows) * sizeof(float));
  std::fill_n(y + first, rows, -__builtin_inff());
  if (s.race)
    for (int lane = 0; lane < panel_rows; ++lane)
      upper[lane] = s.race->bound(upper[lane], static_cast<std::uint32_t>(first + lane));
  const float threshold = s.threshold->load(std::memory_order_relaxed);
  unsigned passed = 0;
  for (unsigned lane = 0; lane < rows; ++lane) passed |= static_cast<unsigned>(!(upper[lane] < threshold)) << lane;
  return s.apart ? passed & ~unsigned{s.apart[p]} : passed;
}

/// Which of a panel's rows were left out by a screen though they may reach `least`.
template <class S>
unsigned left_out(const PackedMatrix& w, std::int64_t p, const float* bounds, float least, const float* y) {
  const std::int64_t first = p * panel_rows, rows = std::min<std::int64_t>(panel_rows, w.rows - first);
  unsigned rows_left = 0;
  for (unsigned lane = 0; lane < rows; ++lane)
    rows_left |= static_cast<unsigned>(y[first + lane] == -__builtin_inff() && !(bounds[first + lane] < least)) << lane;
  return rows_left;
}

/// Computes the rows of each panel that wanted(p) says; found(row, product) is told.
template <class S>
void compute_q8(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, float* y,
                auto&& wanted, auto&& found) {
  const std::int64_t blocks = w.cols / 32;
  // Rows wait for one panel, while their low nibbles come from memory.
  std::int64_t waiting_panel = begin;
  unsigned waiting = 0;
  const auto finish_waiting = [&] {
    const Panel panel(w, waiting_panel);
    for (; waiting; waiting &= waiting - 1) {
      const int lane = std::countr_zero(waiting);
      const std::int64_t row = waiting_panel * panel_rows + lane;
      y[row] = full_product<S>(panel, lane, blocks, x);
      found(row, y[row]);
    }
  };
  for (std::int64_t p = begin; p < end; ++p) {
    const unsigned now = wanted(p);
    for (unsigned left = now; left; left &= left - 1)
      for (std::int64_t b = 0; b < blocks; ++b)
        S::prefetch(w.apart(p) + b * 256 + low_nibbles_of_row(std::countr_zero(left)));
    finish_waiting();
    waiting_panel = p;
    waiting = now;
  }
  finish_waiting();
}

/// Upper bounds of a panel's 16 products, from the sketch.
template <class S>
typename S::F sketched_bounds(const PackedMatrix& w, std::int64_t p, const Activations& x, const Screen& s) {
  using F = typename S::F;
  const Panel panel(w, p);
  F acc[1][1] = {{S::zero()}};
  for_groups<S, 1, 1>(x, 0, acc, [&](std::int64_t b, F(&sums)[1][1]) {
    const Block block = panel.block<Packing::bf16_split>(b);
    const auto t = dot_codes<S>(panel, block, b, x);
    // −7.5 for every column; exact in fp32: below 2^16 in steps of 0.5.
    const F centre = S::set(static_cast<float>(x.offsets32[b]) * (7.5f / 128));
    sums[0][0] = S::fma(S::add(S::to_float(t), centre), S::load_f16(block.scales), sums[0][0]);
  });
  const auto* bounds = reinterpret_cast<const float*>(panel.bounds);
  const F apart = S::fma(S::load(bounds + panel_rows), S::set(s.distance), acc[0][0]);
  return S::fma(S::load(bounds), S::set(s.length), apart);
}

/// Rows of bf16_split that wait, from any panels, until there are enough for all lanes: a product is one long chain of
/// sums, and two registers of lanes hide half of its latency.
template <class S>
class WaitingRows {
 public:
  static constexpr int groups = 2, most = groups * panel_rows;

  WaitingRows(const PackedMatrix& w, const Activations& x, std::byte* scratch, float* y)
      : w_(w), x_(x), scratch_(scratch), y_(y) {
    for (auto& group : rest_)
      for (const std::byte*& row : group) row = w.apart(0);
  }

  void add(std::int64_t row, auto&& found) {
    const int group = n_ / panel_rows, lane = n_ % panel_rows;
    const std::byte* rest = w_.apart(row / panel_rows) + row % panel_rows * split_row_bytes(w_.cols);
    for (std::int64_t i = 0; i < split_row_bytes(w_.cols); i += 64) S::prefetch(rest + i);
    rest_[group][lane] = rest;
    // The codes of all lanes side by side, as in a panel.
    const Panel panel(w_, row / panel_rows);
    std::byte* to = codes(group) + lane * 4;
    for (std::int64_t b = 0; b < w_.cols / 32; ++b, to += 256) {
      const std::byte* from = panel.block<Packing::bf16_split>(b).quants + row % panel_rows * 4;
      for (int i = 0; i < 256; i += 64) __builtin_memcpy(to + i, from + i, 4);
    }
    rows_[n_] = row;
    if (++n_ == most) finish(found);
  }

  /// found(row, product) is told of each.
  void finish(auto&& found) {
    typename S::F sums[groups];
    for (auto& sum : sums) sum = S::zero();
    const typename ElementBf16Pairs<S>::template Rows<1> x(x_, 0);
    for (std::int64_t b = 0; b < w_.cols / 32; ++b) {
      typename S::B pairs[groups][16];
      for (int g = 0; g < groups; ++g)
        pairs_of_rows<S>(
            codes(g) + b * 256, [&](int r) { return rest_[g][r]; }, b, pairs[g]);
      for (int i = 0; i < 16; ++i) {
        const auto value = x.at(0, 16 * b + i);
        for (int g = 0; g < groups; ++g) sums[g] = ElementBf16Pairs<S>::multiply(pairs[g][i], value, sums[g]);
      }
    }
    alignas(64) float products[most];
    for (int group = 0; group < groups; ++group) S::store(products + group * panel_rows, sums[group]);
    for (int i = 0; i < n_; ++i) {
      y_[rows_[i]] = products[i];
      found(rows_[i], products[i]);
    }
    n_ = 0;
  }

 private:
  std::byte* codes(int group) const { return scratch_ + group * w_.cols * 8; }

  const PackedMatrix& w_;
  const Activations& x_;
  std::byte* scratch_;
  float* y_;
  int n_ = 0;
  std::int64_t rows_[most];
  const std::byte* rest_[groups][panel_rows];  // of lanes that are not in use, any row's
};

template <class S>
void compute_bf16(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, std::byte* scratch,
                  float* y, auto&& wanted, auto&& found) {
  WaitingRows<S> waiting(w, x, scratch, y);
  for (std::int64_t p = begin; p < end; ++p)
    for (unsigned now = wanted(p); now; now &= now - 1) waiting.add(p * panel_rows + std::countr_zero(now), found);
  waiting.finish(found);  // of what is left
}

template <class S>
void screen(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const Screen& s,
            float* bounds, float* y) {
  const auto found = [&](std::int64_t row, float product) { keep_best<S>(s, row, product); };
  if (w.packing == Packing::q8_split) {
    const auto wanted = [&](std::int64_t p) {
      return passing<S>(w, p, upper_bounds<S>(w, p, x, s.length), s, bounds, y);
    };
    return compute_q8<S>(w, begin, end, x, y, wanted, found);
  }
  if constexpr (S::has_bf16_dot) {
    const auto wanted = [&](std::int64_t p) { return passing<S>(w, p, sketched_bounds<S>(w, p, x, s), s, bounds, y); };
    compute_bf16<S>(w, begin, end, x, s.scratch, y, wanted, found);
  }
}

template <class S>
void compute_bounded(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                     const float* bounds, float least, std::byte* scratch, float* y) {
  const auto wanted = [&](std::int64_t p) { return left_out<S>(w, p, bounds, least, y); };
  const auto found = [](std::int64_t, float) {};
  if (w.packing == Packing::q8_split) return compute_q8<S>(w, begin, end, x, y, wanted, found);
  if constexpr (S::has_bf16_dot) compute_bf16<S>(w, begin, end, x, scratch, y, wanted, found);
}

}  // namespace sw::generic
