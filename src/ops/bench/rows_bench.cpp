// Operations on rows of activations, at the widths of Qwen2.5-0.5B. Bytes are those read and written.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "ops/ops.hpp"

namespace sw {
namespace {

constexpr std::int64_t hidden = 896, intermediate = 4864;

std::vector<float> ramp(std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>(i % 61 - 30) / 15;
  return values;
}

void report(benchmark::State& state, std::int64_t bytes) {
  state.counters["B/s"] = benchmark::Counter(static_cast<double>(bytes), benchmark::Counter::kIsIterationInvariantRate);
}

void rms_norm(benchmark::State& state, const Kernels& table) {
  const std::vector<float> x = ramp(hidden), weight = ramp(hidden);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    table.rms_norm(x.data(), weight.data(), 1e-6f, hidden, y.data());
    benchmark::ClobberMemory();
  }
  report(state, 3 * 4 * hidden);
}

void prepare(benchmark::State& state, const Kernels& table, ActivationForms forms, std::int64_t rows) {
  const std::vector<float> values = ramp(rows * hidden);
  std::vector<std::uint16_t> bf16(static_cast<std::size_t>(rows * bf16_stride(hidden)));
  std::vector<std::int8_t> q8(values.size());
  std::vector<float> scales(static_cast<std::size_t>(rows * activation_groups(hidden))), sums(values.size() / 32);
  std::vector<std::int32_t> offsets32(values.size() / 32), offsets16(values.size() / 16);
  const Activations x{rows,          hidden,      nullptr,          bf16.data(),     q8.data(),
                      scales.data(), sums.data(), offsets32.data(), offsets16.data()};
  for (auto _ : state) {
    for (std::int64_t row = 0; row < rows; ++row)
      table.prepare(values.data() + row * hidden, row, 0, x.cols, forms, x);
    benchmark::ClobberMemory();
  }
  report(state, rows * (forms.q8 ? 5 : 6) * hidden);
}

void activate(benchmark::State& state, const Kernels& table, Activation activation) {
  const std::vector<float> gate = ramp(intermediate), up = ramp(intermediate);
  std::vector<float> y = gate;
  for (auto _ : state) {
    y = gate;  // the result of one call is no input for the next
    table.activate(y.data(), up.data(), activation, intermediate);
    benchmark::ClobberMemory();
  }
  report(state, 3 * 4 * intermediate);
}

void rope(benchmark::State& state, const Kernels& table, RopeLayout layout) {
  constexpr int head_dim = 64;
  std::vector<float> head = ramp(head_dim);
  const std::vector<float> cos(head_dim / 2, 0.8f), sin(head_dim / 2, 0.6f);
  for (auto _ : state) {
    table.rope(head.data(), cos.data(), sin.data(), head_dim, layout);
    benchmark::ClobberMemory();
  }
  report(state, 3 * 4 * head_dim);
}

void scan(benchmark::State& state, const Kernels& table) {
  constexpr int inner = 1536, n_state = 16;  // Mamba-130M
  const std::vector<float> u = ramp(inner), z = u, dt = u, d = u, b = ramp(n_state), c = b;
  const std::vector<float> a(inner * n_state, -1.0f);
  std::vector<float> h(a.size()), y(u.size());
  const ScanArgs args = {.u = u.data(),
                         .z = z.data(),
                         .dt = dt.data(),
                         .b = b.data(),
                         .c = c.data(),
                         .a = a.data(),
                         .d = d.data(),
                         .h = h.data(),
                         .y = y.data(),
                         .tokens = 1,
                         .inner = inner,
                         .state = n_state};
  for (auto _ : state) {
    table.scan(args, 0, inner);
    benchmark::ClobberMemory();
  }
  report(state, std::int64_t{3} * 4 * inner * n_state);
}

const bool registered = [] {
  for (const Kernels* table : available_kernels()) {
    const auto add = [&](const char* name, auto&& function, auto... args) {
      benchmark::RegisterBenchmark((std::string(name) + "/" + table->isa).c_str(), function, std::cref(*table),
                                   args...);
    };
    add("rms_norm", rms_norm);
    add("prepare_q8", prepare, ActivationForms{.q8 = true}, 1);
    add("prepare_q8_of_48_rows", prepare, ActivationForms{.q8 = true}, 48);
    if (table->bf16_dot) {
      add("prepare_bf16", prepare, ActivationForms{.bf16 = true}, 1);
      add("prepare_bf16_of_48_rows", prepare, ActivationForms{.bf16 = true}, 48);
    }
    add("silu", activate, Activation::silu);
    add("gelu_tanh", activate, Activation::gelu_tanh);
    add("rope_half", rope, RopeLayout::half);
    add("rope_interleaved", rope, RopeLayout::interleaved);
    add("scan", scan);
  }
  return true;
}();

}  // namespace
}  // namespace sw
