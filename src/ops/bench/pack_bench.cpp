// Packing a matrix of 4,864 rows of 896 (a layer of Qwen2.5-0.5B; 1,024 for types of super-blocks) by one thread, from
// a source that is not in the cache. Bytes are the stored ones, read once.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/memory.hpp"
#include "ops/ops.hpp"

namespace sw {
namespace {

void pack(benchmark::State& state, DType dtype, Packing packing) {
  constexpr std::int64_t rows = 4864, copies = 16;
  const std::int64_t cols = info(dtype).block_size == 256 ? 1024 : 896;
  PackedMatrix matrix{.packing = packing, .rows = rows, .cols = cols, .layout = panel_layout(packing, cols)};
  Memory packed = Memory::allocate(matrix.bytes()).value();
  matrix.data = packed.data();
  const std::size_t stride = info(dtype).row_bytes(static_cast<std::size_t>(cols));
  std::vector<std::byte> source(copies * rows * stride);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<std::byte>(i * 7 % 61);
  std::size_t copy = 0;
  for (auto _ : state) {
    const std::byte* first = source.data() + copy++ % copies * rows * stride;
    for (std::int64_t p = 0; p < matrix.panels(); ++p) {
      const std::byte* starts[panel_rows];
      for (int r = 0; r < panel_rows; ++r) starts[r] = first + static_cast<std::size_t>(p * panel_rows + r) * stride;
      kernels().pack(dtype, starts, matrix, p);
    }
    benchmark::ClobberMemory();
  }
  state.counters["B/s"] =
      benchmark::Counter(static_cast<double>(rows * stride), benchmark::Counter::kIsIterationInvariantRate);
}

const bool registered = [] {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::q4_0, DType::q5_0, DType::q8_0, DType::q4_k,
                            DType::q5_k, DType::q6_k, DType::q4_1})
    for (const bool bf16_dot : {false, true}) {
      const Packing packing = packing_for(dtype, bf16_dot);
      if (bf16_dot && packing != Packing::bf16_pairs) continue;
      const std::string name = "pack/" + std::string(info(dtype).name) + (bf16_dot ? "/pairs" : "");
      benchmark::RegisterBenchmark(name.c_str(), pack, dtype, packing);
    }
  benchmark::RegisterBenchmark("pack/Q8_0/split", pack, DType::q8_0, Packing::q8_split);
  if (kernels().bf16_dot)
    for (const DType dtype : {DType::f16, DType::bf16})
      benchmark::RegisterBenchmark(("pack/" + std::string(info(dtype).name) + "/split").c_str(), pack, dtype,
                                   Packing::bf16_split);
  return true;
}();

}  // namespace
}  // namespace sw
