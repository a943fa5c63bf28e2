// Exact screening of a head for the largest logit: which share of the rows is computed in full, and the rate, for heads
// and hidden states of different kinds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ops/bench/screened_heads.hpp"

namespace sw {
namespace {

using namespace bench;

template <Packing packing>
void screen(benchmark::State& state, Kind kind, int k) {
  if (packing == Packing::bf16_split && !kernels().bf16_dot) {
    state.SkipWithError("no BF16 dot products here");
    return;
  }
  static const Head gaussian(false, packing), spectrum(true, packing);
  const Head& head = kind == Kind::gaussian ? gaussian : spectrum;
  const auto states = hidden_states(head, kind);
  std::vector<std::int8_t> q8(cols);
  std::vector<std::uint16_t> bf16(cols);
  std::vector<float> scales(cols / 32), sums(cols / 32), y(rows), bounds(rows),
      best(static_cast<std::size_t>(k));
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
                     bounds.data(), y.data());
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
