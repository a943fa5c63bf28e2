// Exact screening of a head for the largest logit: which share of the rows is computed in full, and the rate, for heads
// and hidden states of different kinds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <utility>
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
  PackedMatrix packed;

  Head(bool spectrum, Packing packing)
      : weights(rows * cols), packed{packing, rows, cols, nullptr, panel_layout(packing, cols)} {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (std::int64_t r = 0; r < rows; ++r) {
      float* row = &weights[static_cast<std::size_t>(r * cols)];
      for (std::int64_t c = 0; c < cols; ++c)
        row[c] = 0.1f * normal(random) / (spectrum ? std::sqrt(static_cast<float>(c + 1)) : 1);
      if (spectrum) rotate(row);
    }
    panels.resize(packed.bytes() + 64);
    packed.data = panels.data() + (64 - reinterpret_cast<std::uintptr_t>(panels.data()) % 64) % 64;
    const bool quantized = packing == Packing::q8_split;
    constexpr std::int64_t largest = cols * 2;  // bytes of a row
    std::vector<std::byte> stored(panel_rows * largest);
    for (std::int64_t p = 0; p < packed.panels(); ++p) {
      const std::byte* sources[panel_rows];
      for (int i = 0; i < panel_rows; ++i) {
        std::byte* at = &stored[static_cast<std::size_t>(i * largest)];
        sources[i] = at;
        const float* from = &weights[static_cast<std::size_t>((p * panel_rows + i) * cols)];
        quantized ? store_q8_0(from, at) : store_bf16(from, at);
      }
      kernels().pack(quantized ? DType::q8_0 : DType::bf16, sources, packed, p);
    }
  }

  static void store_bf16(const float* from, std::byte* at) {
    for (std::int64_t c = 0; c < cols; ++c) {
      const std::uint16_t bits = f32_to_bf16(from[c]);
      std::memcpy(at + 2 * c, &bits, 2);
    }
  }

  static void store_q8_0(const float* from, std::byte* at) {
    for (std::int64_t b = 0; b < cols / 32; ++b, at += 34, from += 32) {
      float most = 0;
      for (int c = 0; c < 32; ++c) most = std::max(most, std::fabs(from[c]));
      const std::uint16_t scale = f32_to_f16(most / 127);
      std::memcpy(at, &scale, 2);
      for (int c = 0; c < 32; ++c)
        at[2 + c] = std::bit_cast<std::byte>(static_cast<std::int8_t>(std::lround(from[c] * 127 / most)));
    }
  }
};

template <Packing packing>
void screen(benchmark::State& state, Kind kind, int k) {
  if (packing == Packing::bf16_split && !kernels().bf16_dot) {
    state.SkipWithError("no BF16 dot products here");
    return;
  }
  static const Head gaussian(false, packing), spectrum(true, packing);
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
  std::vector<std::uint16_t> bf16(cols);
  std::vector<float> scales(cols / 32), sums(cols / 32), y(rows), best(static_cast<std::size_t>(k));
  std::vector<std::int32_t> offsets32(cols / 32), offsets16(cols / 16);
  const Activations x{
      1, cols, nullptr, bf16.data(), q8.data(), scales.data(), sums.data(), offsets32.data(), offsets16.data()};
  std::vector<std::byte> scratch(matmul_scratch_bytes(cols) + 64);
  std::int64_t computed = 0, passes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const float* values = states[static_cast<std::size_t>(passes % n_states)].data();
    kernels().prepare(values, 0, 0, cols, {.bf16 = true, .q8 = true}, x);
    const float length = screening_length(x), distance = screening_distance(x);
    std::ranges::fill(best, -INFINITY);
    std::atomic<float> threshold = -INFINITY;
    state.ResumeTiming();
    kernels().screen(head.packed, 0, head.packed.panels(), x,
                     {.k = k,
                      .length = length,
                      .distance = distance,
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
      (static_cast<double>(head.packed.layout.bytes) + share * static_cast<double>(head.packed.layout.apart_bytes)) /
      static_cast<double>(head.packed.layout.bytes + head.packed.layout.apart_bytes);
}

const bool registered = [] {
  const auto add = [](const char* name, auto* run) {
    for (const auto& [kind, states] : {std::pair{Kind::gaussian, "gaussian"}, {Kind::spectrum, "spectrum"},
                                       {Kind::trained, "trained"}})
      for (const int k : {1, 40}) {
        const std::string label = std::string("screen/") + name + "/" + states + "/" + std::to_string(k);
        benchmark::RegisterBenchmark(label.c_str(), run, kind, k);
      }
  };
  add("q8_split", screen<Packing::q8_split>);
  add("bf16_split", screen<Packing::bf16_split>);
  return true;
}();

}  // namespace
}  // namespace sw
