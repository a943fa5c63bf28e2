// The products of a 30M Llama in training (width 512, 1,536 in the feed-forward part, 8,192 tokens), by one thread: a
// tile of 128 tokens forwards and backwards through one of several matrices of weights, so that these come from
// memory as in an update, and pieces of a gradient of weights over 2,048 tokens.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "train/bf16_gemm.hpp"

namespace sw::train {
namespace {

struct Shape {
  const char* name;
  std::int64_t m, n, k;
  bool a_transposed, b_transposed, add;
};
constexpr Shape shapes[] = {{"query or output", 128, 512, 512, false, true, false},
                            {"up", 128, 1536, 512, false, true, false},
                            {"down", 128, 512, 1536, false, true, true},
                            {"up backwards", 128, 512, 1536, false, false, true},
                            {"down backwards", 128, 1536, 512, false, false, false},
                            {"head", 128, 512, 512, false, true, false},
                            {"head backwards", 128, 512, 8192, false, false, false},
                            {"gradient of weights", 256, 512, 2048, true, false, true}};

void multiply(benchmark::State& state, const Shape& shape, const std::function<Gemm()>& make) {
  constexpr std::int64_t copies = 24;
  ThreadPool pool{1};
  Gemm gemm = make();
  const std::int64_t of_b = shape.n * shape.k;
  std::vector<float> a(static_cast<std::size_t>(shape.m * shape.k), 0.5f);
  std::vector<float> b(static_cast<std::size_t>(of_b * copies), 0.25f);
  std::vector<float> c(static_cast<std::size_t>(shape.m * shape.n));
  Operand left{a.data(), shape.a_transposed ? shape.m : shape.k, shape.a_transposed};
  Operand right{b.data(), shape.b_transposed ? shape.k : shape.n, shape.b_transposed};
  if (shape.a_transposed) {
    const std::vector<Matrix> factors = {{a.data(), shape.m, shape.k, shape.m}, {b.data(), shape.n, shape.k, shape.n}};
    const std::vector<Operand> converted = gemm.place(factors);
    gemm.convert(0, shape.k);
    left = converted[0].transpose();
    right = converted[1];
  } else {
    std::vector<Matrix> weights;
    for (std::int64_t i = 0; i < copies; ++i)
      weights.push_back({b.data() + i * of_b, right.stride, shape.b_transposed ? shape.n : shape.k, right.stride});
    gemm.set_parameters(weights, pool);
  }
  std::int64_t copy = 0;
  for (auto _ : state) {
    Operand next = right;
    if (!shape.a_transposed) next.values += copy++ % copies * of_b;
    gemm.multiply(0, {.a = left,
                      .b = next,
                      .c = c.data(),
                      .c_stride = shape.n,
                      .m = shape.m,
                      .n = shape.n,
                      .k = shape.k,
                      .add = shape.add});
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(shape.m * shape.n * shape.k),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

const bool registered = [] {
  for (const Shape& shape : shapes) {
    const auto name = [&](const char* way) { return std::string(shape.name) + "/" + way; };
    benchmark::RegisterBenchmark(name("fp32").c_str(), multiply, shape,
                                 [] { return Gemm::create(Precision::fp32, 1).value(); });
    if (make_pairs_gemm(1))
      benchmark::RegisterBenchmark(name("bf16").c_str(), multiply, shape, [] { return Gemm::of(make_pairs_gemm(1)); });
    if (make_onednn_gemm(1))
      benchmark::RegisterBenchmark(name("bf16 by oneDNN").c_str(), multiply, shape,
                                   [] { return Gemm::of(make_onednn_gemm(1).value()); });
  }
  return true;
}();

}  // namespace
}  // namespace sw::train
