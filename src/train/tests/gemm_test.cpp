#include "train/gemm.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tensor/half.hpp"

namespace sw::train {
namespace {

class Products : public ::testing::TestWithParam<Precision> {};
INSTANTIATE_TEST_SUITE_P(, Products, ::testing::Values(Precision::fp32, Precision::bf16),
                         [](const auto& test) { return std::string(test.param == Precision::fp32 ? "fp32" : "bf16"); });

TEST_P(Products, of_any_size_are_the_sums_of_their_rounded_factors) {
  auto gemm = Gemm::create(GetParam(), 1);
  if (!gemm) GTEST_SKIP() << "this machine has no BF16 products";
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto rounded = [&](float x) { return GetParam() == Precision::bf16 ? bf16_to_f32(f32_to_bf16(x)) : x; };
  for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{
           {1, 1, 1}, {3, 5, 7}, {128, 64, 128}, {77, 33, 300}, {130, 16, 129}, {256, 40, 15}, {127, 255, 383}})
    for (int way = 0; way < 8; ++way) {
      const bool a_transposed = way & 1, b_transposed = way & 2, add = way & 4;
      const std::int64_t a_stride = (a_transposed ? m : k) + 3, b_stride = (b_transposed ? k : n) + 1, c_stride = n + 2;
      const auto values = [&](std::int64_t count) {
        std::vector<float> out(static_cast<std::size_t>(count));
        for (float& x : out) x = normal(random);
        return out;
      };
      const std::vector<float> a = values((a_transposed ? k : m) * a_stride),
                               b = values((b_transposed ? n : k) * b_stride);
      std::vector<float> c = values(m * c_stride);
      const std::vector<float> before = c;
      gemm->multiply(0, {.a = {a.data(), a_stride, a_transposed},
                         .b = {b.data(), b_stride, b_transposed},
                         .c = c.data(),
                         .c_stride = c_stride,
                         .m = m,
                         .n = n,
                         .k = k,
                         .add = add});
      const auto at = [](const std::vector<float>& x, std::int64_t i) { return x[static_cast<std::size_t>(i)]; };
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < c_stride; ++j) {
          const std::int64_t cell = i * c_stride + j;
          if (j >= n) {
            ASSERT_EQ(at(c, cell), at(before, cell)) << "between the rows";
            continue;
          }
          double sum = add ? at(before, cell) : 0;
          for (std::int64_t l = 0; l < k; ++l)
            sum += double{rounded(at(a, a_transposed ? l * a_stride + i : i * a_stride + l))} *
                   double{rounded(at(b, b_transposed ? j * b_stride + l : l * b_stride + j))};
          ASSERT_NEAR(at(c, cell), sum, 2e-6 * std::sqrt(static_cast<double>(k)) * (10 + std::fabs(sum)))
              << m << "·" << n << "·" << k << " way " << way << " at " << i << ", " << j;
        }
    }
}

}  // namespace
}  // namespace sw::train
