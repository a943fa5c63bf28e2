// Exact screening of a head for the largest logit: which share of the rows is computed in full, and the rate, for heads
// and hidden states of different kinds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

constexpr std::int64_t rows = 32768, cols = 1024;

enum class Kind {
  gaussian,  ///< independent weights and states: synth's
  spectrum,  ///< singular values fall as 1/√i, as those of trained heads roughly do; states as before
  trained,   ///< such a head, and states that lean towards one row: a next token with probability 1/2 or more
};

/// x = x · H for each stretch of 1,024: mixes all columns, keeps lengths (Walsh & Hadamard).
void rotate(float* x) {
  for (std::int64_t half = 1; half < cols; half *= 2)
    for (std::int64_t i = 0; i < cols; i += 2 * half)
      for (std::int64_t j = i; j < i + half; ++j) {
        const float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
  for (std::int64_t i = 0; i < cols; ++i) x[i] /= std::sqrt(static_cast<float>(cols));
}

struct Head {
  std::vector<float> weights;  ///< [rows, cols]
  std::vector<std::byte> panels;
  PackedMatrix packed{Packing::q8_split, rows, cols, nullptr, panel_layout(Packing::q8_split, cols)};

  explicit Head(bool spectrum) : weights(rows * cols) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (std::int64_t r = 0; r < rows; ++r) {
      float* row = &weights[static_cast<std::size_t>(r * cols)];
      for (std::int64_t c = 0; c < cols; ++c)
        row[c] = normal(random) / (spectrum ? std::sqrt(static_cast<float>(c + 1)) : 1);
      if (spectrum) rotate(row);
    }
    panels.resize(packed.bytes() + 64);
    packed.data = panels.data() + (64 - reinterpret_cast<std::uintptr_t>(panels.data()) % 64) % 64;
    std::vector<std::byte> stored(panel_rows * cols / 32 * 34);
    for (std::int64_t p = 0; p < packed.panels(); ++p) {
      const std::byte* sources[panel_rows];
      for (int i = 0; i < panel_rows; ++i) {
        std::byte* at = &stored[static_cast<std::size_t>(i * cols / 32 * 34)];
        sources[i] = at;
        for (std::int64_t b = 0; b < cols / 32; ++b, at += 34) {
          const float* from = &weights[static_cast<std::size_t>((p * panel_rows + i) * cols + b * 32)];
          float most = 0;
          for (int c = 0; c < 32; ++c) most = std::max(most, std::fabs(from[c]));
          const std::uint16_t scale = f32_to_f16(most / 127);
          std::memcpy(at, &scale, 2);
          for (int c = 0; c < 32; ++c)
            at[2 + c] = std::bit_cast<std::byte>(static_cast<std::int8_t>(std::lround(from[c] * 127 / most)));
        }
      }
      kernels().pack(DType::q8_0, sources, packed, p);
    }
  }
};

void screen(benchmark::State& state, Kind kind, int k) {
  static const Head gaussian(false), spectrum(true);
  const Head& head = kind == Kind::gaussian ? gaussian : spectrum;
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  constexpr int n_states = 16;
  std::vector<std::vector<float>> states(n_states, std::vector<float>(cols));
  for (auto& x : states) {
    for (std::int64_t c = 0; c < cols; ++c)
      x[static_cast<std::size_t>(c)] =
          normal(random) / (kind == Kind::gaussian ? 1 : std::sqrt(static_cast<float>(c + 1)));
    if (kind != Kind::gaussian) rotate(x.data());
    if (kind != Kind::trained) continue;
    const float* row = &head.weights[static_cast<std::size_t>(random() % rows) * cols];
    const auto length = [](const float* v) {
      double square = 0;
      for (std::int64_t c = 0; c < cols; ++c) square += double{v[c]} * v[c];
      return static_cast<float>(std::sqrt(square));
    };
    const float lean = length(x.data()) / length(row);
    for (std::int64_t c = 0; c < cols; ++c) x[static_cast<std::size_t>(c)] += lean * row[c];
  }

  std::vector<std::int8_t> q8(cols);
  std::vector<float> scales(cols / 32), sums(cols / 32), y(rows), best(static_cast<std::size_t>(k));
  std::vector<std::int32_t> offsets32(cols / 32), offsets16(cols / 16);
  const Activations x{
      1, cols, nullptr, nullptr, q8.data(), scales.data(), sums.data(), offsets32.data(), offsets16.data()};
  std::vector<std::byte> scratch(matmul_scratch_bytes(cols) + 64);
  std::int64_t computed = 0, passes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    kernels().prepare(states[static_cast<std::size_t>(passes % n_states)].data(), 0, 0, cols, {.q8 = true}, x);
    double square = 0;
    for (std::int64_t c = 0; c < cols; ++c)
      square += std::pow(double{scales[static_cast<std::size_t>(c / 32)]} * q8[static_cast<std::size_t>(c)], 2);
    std::ranges::fill(best, -INFINITY);
    std::atomic<float> threshold = -INFINITY;
    state.ResumeTiming();
    kernels().screen(head.packed, 0, head.packed.panels(), x,
                     {.k = k,
                      .length = static_cast<float>(std::sqrt(square) * (1 + 1e-6)),
                      .best = best.data(),
                      .threshold = &threshold,
                      .scratch = scratch.data()},
                     y.data());
    state.PauseTiming();
    if (++passes <= n_states) computed += rows - std::ranges::count(y, -INFINITY);
    state.ResumeTiming();
  }
  const double share =
      static_cast<double>(computed) / static_cast<double>(std::min<std::int64_t>(passes, n_states) * rows);
  state.counters["rows computed"] = share;
  state.counters["bytes read"] =
      (static_cast<double>(head.packed.layout.bytes) + share * static_cast<double>(head.packed.layout.low_bytes)) /
      static_cast<double>(head.packed.layout.bytes + head.packed.layout.low_bytes);
}
BENCHMARK_CAPTURE(screen, gaussian_top_1, Kind::gaussian, 1);
BENCHMARK_CAPTURE(screen, gaussian_top_40, Kind::gaussian, 40);
BENCHMARK_CAPTURE(screen, spectrum_top_1, Kind::spectrum, 1);
BENCHMARK_CAPTURE(screen, spectrum_top_40, Kind::spectrum, 40);
BENCHMARK_CAPTURE(screen, trained_top_1, Kind::trained, 1);
BENCHMARK_CAPTURE(screen, trained_top_40, Kind::trained, 40);

}  // namespace
}  // namespace sw
