// Matrix products of one thread at the shapes of Qwen2.5-0.5B, for every table of kernels this machine runs.
// "B/s" counts the packed weights once a product: what a decoder's memory must deliver. "of memory" and "of peak" are
// shares of what one thread of this machine reads and multiplies at best (printed as rates, of which they are). Run with
// --benchmark_filter='avx512_bf16/q4_0' and --benchmark_repetitions=5 for medians and spread.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ops/bench/limits.hpp"
#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

struct NamedPacking {
  const char* name;
  Packing packing;
};
constexpr NamedPacking packings[] = {{"f32", Packing::f32},           {"f16", Packing::f16},
                                     {"bf16", Packing::bf16},         {"bf16_pairs", Packing::bf16_pairs},
                                     {"q4_0", Packing::q4_0},         {"q5_0", Packing::q5_0},
                                     {"q8_0", Packing::q8_0},         {"q4_k", Packing::q4_k},
                                     {"q5_k", Packing::q5_k},         {"q6_k", Packing::q6_k},
                                     {"q8_split", Packing::q8_split}, {"bf16_split", Packing::bf16_split},
                                     {"affine8", Packing::affine8}};

struct Shape {
  const char* name;
  std::int64_t rows, cols;
};
constexpr Shape shapes[] = {{"attention", 896, 896}, {"up", 4864, 896}, {"down", 896, 4864}, {"head", 151936, 896}};

/// Factors of random panels are small floats in whatever width the packing reads them: every 16-bit half is below 1.
std::vector<std::byte> random_panels(std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  std::mt19937 random(1);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) {
    const std::uint32_t word = static_cast<std::uint32_t>(random()) & 0x3bff3bffu;
    std::memcpy(&data[i], &word, 4);
  }
  return data;
}

void matmul(benchmark::State& state, const Kernels& table, Packing packing, const Shape& shape, std::int64_t m) {
  const std::int64_t cols = packing == Packing::q4_k || packing == Packing::q5_k || packing == Packing::q6_k
                                ? (shape.cols + 255) / 256 * 256
                                : shape.cols;
  PackedMatrix w{packing, shape.rows, cols, nullptr, panel_layout(packing, cols)};
  const std::vector<std::byte> panels = random_panels(w.bytes() + 64);
  w.data = panels.data() + (64 - reinterpret_cast<std::uintptr_t>(panels.data()) % 64) % 64;

  const auto count = [&](std::int64_t per_row) { return static_cast<std::size_t>(m * per_row); };
  std::vector<float> f32(count(cols)), scales(count(cols / 32)), sums(scales.size());
  std::vector<std::uint16_t> bf16(count(bf16_stride(cols)));
  std::vector<std::int8_t> q8(count(cols));
  std::vector<std::int32_t> offsets32(scales.size()), offsets16(2 * scales.size());
  const Activations x{
      m, cols, f32.data(), bf16.data(), q8.data(), scales.data(), sums.data(), offsets32.data(), offsets16.data()};
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(cols));
  for (std::int64_t row = 0; row < m; ++row) {
    for (float& value : values) value = normal(random);
    table.prepare(values.data(), row, 0, cols, forms_for(packing), x);
  }
  std::vector<float> y(count(shape.rows));
  std::vector<std::byte> scratch(matmul_scratch_bytes(cols) + 64);
  std::byte* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64;

  for (auto _ : state) {
    table.matmul(w, 0, w.panels(), x, {.y = y.data(), .stride = shape.rows}, aligned);
    benchmark::ClobberMemory();
  }
  const auto rate = [&](double amount) {
    return benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
  };
  const auto bytes = static_cast<double>(w.bytes()), operations = 2.0 * static_cast<double>(m * shape.rows * cols);
  state.counters["B/s"] = rate(bytes);
  state.counters["op/s"] = rate(operations);
  const ThreadLimits& limits = bench::limits_of_one_thread();
  const ActivationForms forms = forms_for(packing);
  const Arithmetic arithmetic = forms.bf16 ? Arithmetic::bf16 : forms.q8 ? Arithmetic::int8 : Arithmetic::fp32;
  state.counters["of memory"] = rate(bytes / (limits.memory_gb_s * 1e9));
  state.counters["of peak"] = rate(operations / (limits.peak_gop_s(arithmetic) * 1e9));
}

const bool registered = [] {
  for (const Kernels* table : available_kernels())
    for (const auto& [name, packing] : packings) {
      if (forms_for(packing).bf16 && !table->bf16_dot) continue;
      for (const Shape& shape : shapes)
        for (const std::int64_t m : {1, 8, 32, 512}) {
          if (shape.rows > 100000 && m > 32) continue;  // prompts want the logits of their last tokens only
          const std::string label =
              std::string("matmul/") + table->isa + "/" + name + "/" + shape.name + "/" + std::to_string(m);
          benchmark::RegisterBenchmark(label.c_str(), matmul, std::cref(*table), packing, shape, m)
              ->Unit(benchmark::kMicrosecond);
        }
    }
  return true;
}();

}  // namespace
}  // namespace sw
