#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>

/// Least-squares fits of the affine grids that block formats store. `w` weighs the squared error of each element.
namespace sw::fit {

/// Four floats: one register on every instruction set the program is built for.
using Lanes = float __attribute__((vector_size(16)));
inline constexpr std::size_t n_lanes = 4;

inline Lanes load(const float* values) {
  Lanes lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

inline Lanes spread(float value) {
  return Lanes{value, value, value, value};
}

inline float sum(Lanes lanes) {
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/// The nearest integer within [low, high], which lies within ±2^22: adding 1.5 · 2^23 leaves no bits for a fraction.
inline Lanes round_within(Lanes values, Lanes low, Lanes high) {
  const Lanes shift = spread(0x1.8p23f);
  values = values < low ? low : values;
  values = values > high ? high : values;
  return (values + shift) - shift;
}

/// Weighted sums over the elements of a group and their levels q.
struct Moments {
  float q = 0, qq = 0, x = 0, xq = 0;
};

/// The best of several `scale` for x ≈ scale q, q an integer in [lowest, −lowest − 1]. 0 for a group of zeros.
template <std::size_t n>
float scale(const float* x, const float* w, float lowest) {
  float peak = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (std::abs(x[i]) > std::abs(peak)) peak = x[i];
  if (std::abs(peak) < 1e-15f) return 0;

  float best = 0, best_gain = 0;
  const Lanes low = spread(lowest), high = spread(-lowest - 1);
  for (int step = -9; step <= 9; ++step) {
    const Lanes inverse = spread((lowest + 0.1f * static_cast<float>(step)) / peak);
    Lanes xq{}, qq{};
    for (std::size_t i = 0; i < n; i += n_lanes) {
      const Lanes value = load(x + i), q = round_within(value * inverse, low, high), wq = load(w + i) * q;
      xq += wq * value;
      qq += wq * q;
    }
    // With the best scale for these levels, Σ xq / Σ qq, the error is Σ xx less this gain.
    const float sum_xq = sum(xq), sum_qq = sum(qq), gain = sum_xq * sum_xq / sum_qq;
    if (gain > best_gain) {
      best_gain = gain;
      best = sum_xq / sum_qq;
    }
  }
  return best;
}

struct ScaleMin {
  float scale = 0, min = 0;
};

/// The scale and min ≥ 0 with the least error of x ≈ scale q − min for levels with the given moments; `weight` is Σ w.
inline ScaleMin solve(const Moments& m, float weight) {
  const float determinant = weight * m.qq - m.q * m.q;
  if (determinant <= 0) return {m.qq > 0 ? m.xq / m.qq : 0, 0};
  const float min = (m.q * m.xq - m.qq * m.x) / determinant;
  if (min < 0) return {m.xq / m.qq, 0};
  return {(weight * m.xq - m.x * m.q) / determinant, min};
}

/// The best of several fits of x ≈ scale q − min, min ≥ 0, q an integer in [0, top].
template <std::size_t n>
ScaleMin scale_min(const float* x, const float* w, float top) {
  float low = 0, high = x[0];
  for (std::size_t i = 0; i < n; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  if (high - low < 1e-15f) return {0, -low};

  Lanes w_sum{}, wx_sum{};
  for (std::size_t i = 0; i < n; i += n_lanes) {
    w_sum += load(w + i);
    wx_sum += load(w + i) * load(x + i);
  }
  const float weight = sum(w_sum);
  ScaleMin best{(high - low) / top, -low};
  float best_gain = 0;
  for (int step = -10; step <= 10; ++step) {
    const Lanes inverse = spread((top + 0.1f * static_cast<float>(step)) / (high - low));
    Lanes q_sum{}, qq_sum{}, xq_sum{};
    for (std::size_t i = 0; i < n; i += n_lanes) {
      const Lanes value = load(x + i);
      const Lanes q = round_within((value - spread(low)) * inverse, Lanes{}, spread(top)), wq = load(w + i) * q;
      q_sum += wq;
      qq_sum += wq * q;
      xq_sum += wq * value;
    }
    const Moments m{sum(q_sum), sum(qq_sum), sum(wx_sum), sum(xq_sum)};
    const ScaleMin fitted = solve(m, weight);
    // At the solution the error is Σ w xx less this gain.
    const float gain = fitted.scale * m.xq - fitted.min * m.x;
    if (gain > best_gain) {
      best_gain = gain;
      best = fitted;
    }
  }
  return best;
}

}  // namespace sw::fit
