// Choices of a Sampler from screened heads: which share of the head's rows and bytes is read for one, the times that the
// whole head was needed included. Hidden states are scaled so that logits have a standard deviation of 2.5.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>
#include <utility>

#include "decode/sampler.hpp"
#include "ops/bench/screened_heads.hpp"

namespace sw {
namespace {

using namespace bench;

struct Row {
  const PackedMatrix& head;
  std::vector<std::int8_t> q8 = std::vector<std::int8_t>(cols);
  std::vector<std::uint16_t> bf16 = std::vector<std::uint16_t>(cols);
  std::vector<float> scales = std::vector<float>(cols / 32), sums = scales;
  std::vector<std::int32_t> offsets32 = std::vector<std::int32_t>(cols / 32),
                            offsets16 = std::vector<std::int32_t>(cols / 16);
  Activations x{1, cols, nullptr, bf16.data(), q8.data(), scales.data(), sums.data(), offsets32.data(), offsets16.data()};
  std::vector<std::byte> scratch = std::vector<std::byte>(matmul_scratch_bytes(cols) + 64);
  std::vector<float> bounds = std::vector<float>(rows), values = bounds;

  explicit Row(const PackedMatrix& w) : head(w) {}

  void prepare(const std::vector<float>& state) {
    kernels().prepare(state.data(), 0, 0, cols, {.bf16 = true, .q8 = true}, x);
  }
  void multiply() { kernels().matmul(head, 0, head.panels(), x, {.y = values.data(), .stride = rows}, scratch.data()); }
  void screen(const Race& race) {
    float best = -INFINITY;
    std::atomic<float> threshold = -INFINITY;
    kernels().screen(head, 0, head.panels(), x,
                     {.k = 1,
                      .race = &race,
                      .length = screening_length(x),
                      .distance = screening_distance(x),
                      .best = &best,
                      .threshold = &threshold,
                      .scratch = scratch.data()},
                     bounds.data(), values.data());
  }
  void compute(float least) {
    if (least == -INFINITY) return multiply();
    kernels().compute_bounded(head, 0, head.panels(), x, bounds.data(), least, scratch.data(), values.data());
  }
};

template <Packing packing>
void choose(benchmark::State& state, Kind kind, float top_p, float temperature) {
  if (packing == Packing::bf16_split && !kernels().bf16_dot) {
    state.SkipWithError("no BF16 dot products here");
    return;
  }
  static const Head gaussian(false, packing), spectrum(true, packing);
  const Head& head = kind == Kind::gaussian ? gaussian : spectrum;
  Row row(head.packed);
  auto states = hidden_states(head, kind);
  for (auto& x : states) {
    row.prepare(x);
    row.multiply();
    double sum = 0, square = 0;
    for (const float y : row.values) sum += y, square += double{y} * y;
    const double n = static_cast<double>(rows);
    const auto scale = static_cast<float>(2.5 / std::sqrt(square / n - sum / n * sum / n));
    for (float& value : x) value *= scale;
  }
  SamplingOptions options;
  options.temperature = temperature;
  options.top_p = top_p;
  Sampler sampler(options);
  double bytes = 0, computed = 0, whole = 0, passes = 0;
  const auto first = static_cast<double>(head.packed.layout.bytes), apart = static_cast<double>(head.packed.layout.apart_bytes);
  for (auto _ : state) {
    row.prepare(states[static_cast<std::size_t>(passes) % n_states]);
    const WantedLogits wanted = sampler.wanted();
    bool is_whole = !wanted.race;
    ++passes;
    if (wanted.race) {
      row.screen(*wanted.race);
      sampler.sample(LogitsRow{row.values, row.bounds, [&](float least) {
                                 is_whole |= least == -INFINITY;
                                 row.compute(least);
                               }});
      bytes += first;
    } else {
      row.multiply();
      sampler.sample(LogitsRow{row.values, {}, {}});
    }
    state.PauseTiming();
    const double share = 1 - static_cast<double>(std::ranges::count(row.values, -INFINITY)) / static_cast<double>(rows);
    bytes += is_whole ? first + apart : share * apart;
    computed += share;
    whole += is_whole;
    state.ResumeTiming();
  }
  state.counters["rows computed"] = computed / passes;
  state.counters["bytes read"] = bytes / passes / (first + apart);
  state.counters["whole"] = whole / passes;
}

const bool registered = [] {
  const auto add = [](const char* name, auto* run) {
    for (const auto& [kind, states] : {std::pair{Kind::gaussian, "gaussian"}, {Kind::spectrum, "spectrum"},
                                       {Kind::trained, "trained"}})
      for (const float top_p : {1.0f, 0.95f, 0.9f})
        for (const float temperature : {0.7f, 1.0f}) {
          const std::string label = std::string("screened/") + name + "/" + states + "/top_p:" +
                                    std::to_string(top_p).substr(0, 4) + "/temperature:" +
                                    std::to_string(temperature).substr(0, 3);
          benchmark::RegisterBenchmark(label.c_str(), run, kind, top_p, temperature)->Iterations(500);
        }
  };
  add("q8_split", choose<Packing::q8_split>);
  add("bf16_split", choose<Packing::bf16_split>);
  return true;
}();

}  // namespace
}  // namespace sw
