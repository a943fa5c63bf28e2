#include "quant/quantize_k.hpp"

#include <algorithm>
#include <array>

#include "quant/fit.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

using fit::Lanes;
using fit::load;
using fit::n_lanes;
using fit::spread;

constexpr int most_turns = 2;

float to_stored(float factor) {
  return f16_to_f32(f32_to_f16(factor));
}

float inverse(float factor) {
  return std::abs(factor) > 1e-15f ? 1 / factor : 0;
}

float rounded_within(float value, float low, float high) {
  return std::nearbyint(std::clamp(value, low, high));
}

/// A super-block in the making: x ≈ d scale[g] q − dmin min[g] over groups of `n`; all values are whole but d and dmin.
template <std::size_t n>
struct Grid {
  static constexpr std::size_t groups = super_block / n;
  float d = 0, dmin = 0;
  std::array<float, groups> scale{}, min{};
  alignas(16) std::array<float, super_block> q{};
  std::array<fit::Moments, groups> moments{};
  float error = 0;

  /// Chooses the nearest levels within [low, high] and measures them.
  void assign(const float* x, const float* w, float low, float high) {
    Lanes error_sum{};
    for (std::size_t g = 0; g < groups; ++g) {
      const Lanes step = spread(d * scale[g]), offset = spread(dmin * min[g]);
      const Lanes per_step = spread(inverse(d * scale[g]));
      Lanes q_sum{}, qq_sum{}, x_sum{}, xq_sum{};
      for (std::size_t i = g * n; i < (g + 1) * n; i += n_lanes) {
        const Lanes value = load(x + i), weight = load(w + i);
        const Lanes level = fit::round_within((value + offset) * per_step, spread(low), spread(high));
        std::memcpy(&q[i], &level, sizeof level);
        const Lanes wq = weight * level, difference = step * level - offset - value;
        q_sum += wq;
        qq_sum += wq * level;
        x_sum += weight * value;
        xq_sum += wq * value;
        error_sum += weight * difference * difference;
      }
      moments[g] = {fit::sum(q_sum), fit::sum(qq_sum), fit::sum(x_sum), fit::sum(xq_sum)};
    }
    error = fit::sum(error_sum);
  }
};

using AffineGrid = Grid<32>;
using LinearGrid = Grid<16>;

/// The least-squares d and dmin of a super-block for the levels, scales and mins it has.
void refit(AffineGrid& grid, const std::array<float, AffineGrid::groups>& weight) {
  float ss = 0, sm = 0, mm = 0, sx = 0, mx = 0;
  for (std::size_t g = 0; g < AffineGrid::groups; ++g) {
    const auto& moments = grid.moments[g];
    const float s = grid.scale[g], m = grid.min[g];
    ss += s * s * moments.qq;
    sm += s * m * moments.q;
    mm += m * m * weight[g];
    sx += s * moments.xq;
    mx += m * moments.x;
  }
  const float determinant = ss * mm - sm * sm;
  if (determinant <= 1e-6f * ss * mm) return;
  grid.d = to_stored(std::max(0.0f, (mm * sx - sm * mx) / determinant));
  grid.dmin = to_stored(std::max(0.0f, (sm * sx - ss * mx) / determinant));
}

AffineGrid fit_affine(const float* x, const float* w, float top) {
  AffineGrid grid;
  std::array<fit::ScaleMin, AffineGrid::groups> fitted;
  std::array<float, AffineGrid::groups> weight{};
  float most_scale = 0, most_min = 0;
  for (std::size_t g = 0; g < AffineGrid::groups; ++g) {
    fitted[g] = fit::scale_min<32>(x + 32 * g, w + 32 * g, top);
    most_scale = std::max(most_scale, fitted[g].scale);
    most_min = std::max(most_min, fitted[g].min);
    for (std::size_t i = 32 * g; i < 32 * (g + 1); ++i) weight[g] += w[i];
  }
  grid.d = to_stored(most_scale / 63);
  grid.dmin = to_stored(most_min / 63);
  const auto choose_factors = [&](AffineGrid& to) {
    for (std::size_t g = 0; g < AffineGrid::groups; ++g) {
      to.scale[g] = rounded_within(fitted[g].scale * inverse(to.d), 0, 63);
      to.min[g] = rounded_within(fitted[g].min * inverse(to.dmin), 0, 63);
    }
  };
  choose_factors(grid);
  grid.assign(x, w, 0, top);
  for (int turn = 0; turn < most_turns; ++turn) {
    AffineGrid next = grid;
    for (std::size_t g = 0; g < AffineGrid::groups; ++g) fitted[g] = fit::solve(grid.moments[g], weight[g]);
    choose_factors(next);
    refit(next, weight);
    next.assign(x, w, 0, top);
    if (next.error >= grid.error) break;
    grid = next;
  }
  return grid;
}

LinearGrid fit_linear(const float* x, const float* w) {
  LinearGrid grid;
  float peak = 0;
  std::array<float, LinearGrid::groups> fitted;
  for (std::size_t g = 0; g < LinearGrid::groups; ++g) {
    fitted[g] = fit::scale<16>(x + 16 * g, w + 16 * g, -32);
    if (std::abs(fitted[g]) > std::abs(peak)) peak = fitted[g];
  }
  grid.d = to_stored(peak / -128);
  const auto choose_factors = [&](LinearGrid& to) {
    for (std::size_t g = 0; g < LinearGrid::groups; ++g)
      to.scale[g] = rounded_within(fitted[g] * inverse(to.d), -128, 127);
  };
  choose_factors(grid);
  grid.assign(x, w, -32, 31);
  for (int turn = 0; turn < most_turns; ++turn) {
    LinearGrid next = grid;
    float ss = 0, sx = 0;
    for (std::size_t g = 0; g < LinearGrid::groups; ++g) {
      const auto& moments = grid.moments[g];
      if (moments.qq > 0) fitted[g] = moments.xq / moments.qq;
    }
    choose_factors(next);
    for (std::size_t g = 0; g < LinearGrid::groups; ++g) {
      ss += next.scale[g] * next.scale[g] * grid.moments[g].qq;
      sx += next.scale[g] * grid.moments[g].xq;
    }
    if (ss > 0) next.d = to_stored(sx / ss);
    next.assign(x, w, -32, 31);
    if (next.error >= grid.error) break;
    grid = next;
  }
  return grid;
}

void pack_factors(const AffineGrid& grid, std::uint8_t (&packed)[12]) {
  for (std::size_t g = 0; g < 4; ++g) {
    const auto low_scale = static_cast<unsigned>(grid.scale[g]), low_min = static_cast<unsigned>(grid.min[g]);
    const auto high_scale = static_cast<unsigned>(grid.scale[g + 4]), high_min = static_cast<unsigned>(grid.min[g + 4]);
    packed[g] = static_cast<std::uint8_t>(low_scale | high_scale >> 4 << 6);
    packed[g + 4] = static_cast<std::uint8_t>(low_min | high_min >> 4 << 6);
    packed[g + 8] = static_cast<std::uint8_t>((high_scale & 15) | (high_min & 15) << 4);
  }
}

}  // namespace

BlockQ4_K encode_q4_k(const float* x, const float* w) {
  const AffineGrid grid = fit_affine(x, w, 15);
  BlockQ4_K block{f32_to_f16(grid.d), f32_to_f16(grid.dmin), {}, {}};
  pack_factors(grid, block.scales);
  for (std::size_t i = 0; i < 128; ++i) {
    const float* q = &grid.q[i / 32 * 64 + i % 32];
    block.qs[i] = static_cast<std::uint8_t>(static_cast<int>(q[0]) | static_cast<int>(q[32]) << 4);
  }
  return block;
}

BlockQ5_K encode_q5_k(const float* x, const float* w) {
  const AffineGrid grid = fit_affine(x, w, 31);
  BlockQ5_K block{f32_to_f16(grid.d), f32_to_f16(grid.dmin), {}, {}, {}};
  pack_factors(grid, block.scales);
  for (std::size_t i = 0; i < super_block; ++i) {
    const int q = static_cast<int>(grid.q[i]);
    const std::size_t group = i / 32, within = i % 32;
    block.qs[i / 64 * 32 + within] |= static_cast<std::uint8_t>((q & 15) << group % 2 * 4);
    block.qh[within] |= static_cast<std::uint8_t>(q >> 4 << group);
  }
  return block;
}

BlockQ6_K encode_q6_k(const float* x, const float* w) {
  const LinearGrid grid = fit_linear(x, w);
  BlockQ6_K block{};
  block.d = f32_to_f16(grid.d);
  for (std::size_t g = 0; g < 16; ++g) block.scales[g] = static_cast<std::int8_t>(grid.scale[g]);
  for (std::size_t i = 0; i < super_block; ++i) {
    const int q = static_cast<int>(grid.q[i]) + 32;
    const std::size_t half = i / 128, k = i % 128 / 32, within = i % 32;
    block.ql[64 * half + 32 * (k % 2) + within] |= static_cast<std::uint8_t>((q & 15) << k / 2 * 4);
    block.qh[32 * half + within] |= static_cast<std::uint8_t>(q >> 4 << 2 * k);
  }
  return block;
}

}  // namespace sw
