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

TEST_P(Products, of_matrices_that_were_converted_before_have_the_same_bits) {
  auto gemm = Gemm::create(GetParam(), 1);
  if (!gemm) GTEST_SKIP() << "this machine has no BF16 products";
  ThreadPool pool{1};
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  constexpr std::int64_t rows = 200, m = 40, n = 72, a_cols = 60, b_cols = 90, first_a = 5, first_b = 7;
  std::vector<float> a(rows * (a_cols + 3)), b(rows * (b_cols + 1));
  for (auto* values : {&a, &b})
    for (float& x : *values) x = normal(random);
  const std::vector<Matrix> matrices = {
      {a.data(), a_cols + 3, rows, a_cols}, {b.data(), b_cols + 1, rows, b_cols}, {a.data(), a_cols + 3, rows, a_cols}};
  const std::vector<Operand> kept = gemm->convert(matrices, pool);
  ASSERT_EQ(kept.size(), matrices.size());
  EXPECT_EQ(kept[0].converted != nullptr, GetParam() == Precision::bf16);
  EXPECT_EQ(kept[0].converted, kept[2].converted) << "the same matrix is converted once";
  const auto product = [&](const Operand& left, const Operand& right) {
    std::vector<float> c(m * n);
    gemm->multiply(0, {.a = left.from_column(first_a).transpose(),
                       .b = right.from_column(first_b),
                       .c = c.data(),
                       .c_stride = n,
                       .m = m,
                       .n = n,
                       .k = rows});
    return c;
  };
  const std::vector<float> want = product({a.data(), a_cols + 3}, {b.data(), b_cols + 1});
  EXPECT_EQ(product(kept[0], kept[1]), want);
}

}  // namespace
}  // namespace sw::train
