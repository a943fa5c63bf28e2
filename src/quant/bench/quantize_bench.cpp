#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "quant/quant.hpp"

namespace sw {
namespace {

constexpr std::size_t row_size = 4096;

std::vector<float> gaussian_row() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> row(row_size);
  for (float& x : row) x = normal(random);
  return row;
}

void quantize_row(benchmark::State& state, DType dtype) {
  const auto row = gaussian_row();
  std::vector<std::byte> stored(info(dtype).row_bytes(row_size));
  for (auto _ : state) {
    quantize(dtype, row, stored.data());
    benchmark::DoNotOptimize(stored.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * row_size));
}

void dequantize_row(benchmark::State& state, DType dtype) {
  auto row = gaussian_row();
  std::vector<std::byte> stored(info(dtype).row_bytes(row_size));
  quantize(dtype, row, stored.data());
  for (auto _ : state) {
    dequantize(dtype, stored.data(), row);
    benchmark::DoNotOptimize(row.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * row_size));
}

BENCHMARK_CAPTURE(quantize_row, q8_0, DType::q8_0);
BENCHMARK_CAPTURE(quantize_row, q4_0, DType::q4_0);
BENCHMARK_CAPTURE(quantize_row, q4_k, DType::q4_k);
BENCHMARK_CAPTURE(quantize_row, q5_k, DType::q5_k);
BENCHMARK_CAPTURE(quantize_row, q6_k, DType::q6_k);
BENCHMARK_CAPTURE(dequantize_row, q8_0, DType::q8_0);
BENCHMARK_CAPTURE(dequantize_row, q4_k, DType::q4_k);
BENCHMARK_CAPTURE(dequantize_row, q6_k, DType::q6_k);

}  // namespace
}  // namespace sw
