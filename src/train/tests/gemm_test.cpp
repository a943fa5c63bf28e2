#include "train/gemm.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tensor/half.hpp"
#include "train/bf16_gemm.hpp"

namespace sw::train {
namespace {

enum class Way { fp32, bf16_pairs, bf16_onednn };

/// None where this machine has no such products.
std::optional<Gemm> products(Way way) {
  if (way == Way::fp32) return Gemm::create(Precision::fp32, 2).value();
  if (way == Way::bf16_pairs) {
    auto pairs = make_pairs_gemm(2);
    return pairs ? std::optional(Gemm::of(std::move(pairs))) : std::nullopt;
  }
  auto by_onednn = make_onednn_gemm(2);
  return by_onednn ? std::optional(Gemm::of(std::move(*by_onednn))) : std::nullopt;
}

std::string name_of(const ::testing::TestParamInfo<Way>& test) {
  constexpr std::array names = {"fp32", "bf16_pairs", "bf16_onednn"};
  return names[static_cast<std::size_t>(test.param)];
}

class Products : public ::testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(, Products, ::testing::Values(Way::fp32, Way::bf16_pairs, Way::bf16_onednn), name_of);

TEST_P(Products, of_any_size_are_the_sums_of_their_rounded_factors) {
  std::optional<Gemm> gemm = products(GetParam());
  if (!gemm) GTEST_SKIP() << "this machine has no BF16 products";
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto rounded = [&](float x) { return GetParam() == Way::fp32 ? x : bf16_to_f32(f32_to_bf16(x)); };
  for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                        {3, 5, 7},
                                                                        {128, 64, 128},
                                                                        {77, 33, 300},
                                                                        {130, 16, 129},
                                                                        {256, 40, 15},
                                                                        {127, 255, 383},
                                                                        {19, 64, 2050}})
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
  std::optional<Gemm> gemm = products(GetParam());
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
  const std::vector<Operand> kept = gemm->place(matrices);
  for (std::int64_t row = 0; row < rows; row += 128) gemm->convert(row, std::min<std::int64_t>(128, rows - row));
  ASSERT_EQ(kept.size(), matrices.size());
  EXPECT_EQ(kept[0].converted != nullptr, GetParam() != Way::fp32);
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

TEST_P(Products, of_parts_of_parameters_are_those_of_other_numbers) {
  std::optional<Gemm> gemm = products(GetParam());
  if (!gemm) GTEST_SKIP() << "this machine has no BF16 products";
  ThreadPool pool{2};
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto values = [&](std::int64_t count) {
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float& x : out) x = normal(random);
    return out;
  };
  constexpr std::int64_t tokens = 21;
  for (const auto& [rows, cols] : std::vector<std::array<std::int64_t, 2>>{{96, 130}, {75, 33}, {1, 64}}) {
    std::vector<float> all = values(2 * rows * cols);  // two of them, one after the other
    const auto where = [&](std::int64_t i) { return all.data() + i * rows * cols; };
    const std::vector<Matrix> matrices = {{where(0), cols, rows, cols}, {where(1), cols, rows, cols}};
    gemm->set_parameters(matrices, pool);
    for (float& x : all) x *= 2;  // as an update does
    gemm->set_parameters(matrices, pool);
    const std::vector<float> copy(all), wide = values(tokens * cols), tall = values(tokens * rows);
    for (int i = 0; i < 2; ++i)
      for (const std::int64_t first : {0, 16, 31, 64}) {
        if (first >= rows) continue;
        const std::int64_t count = std::min<std::int64_t>(rows - first, 35), offset = (i * rows + first) * cols;
        std::vector<float> got(tokens * static_cast<std::size_t>(count)), want(got);
        std::vector<float> got_back(tokens * static_cast<std::size_t>(cols)), want_back(got_back);
        const auto run = [&](const float* part, std::vector<float>& there, std::vector<float>& back) {
          gemm->multiply(1, {.a = {wide.data(), cols, false},
                             .b = {part, cols, true},
                             .c = there.data(),
                             .c_stride = count,
                             .m = tokens,
                             .n = count,
                             .k = cols});
          gemm->multiply(1, {.a = {tall.data(), rows, false},
                             .b = {part, cols, false},
                             .c = back.data(),
                             .c_stride = cols,
                             .m = tokens,
                             .n = cols,
                             .k = count});
        };
        run(all.data() + offset, got, got_back);
        run(copy.data() + offset, want, want_back);
        // oneDNN adds up in another order where rows are further apart.
        const float most = GetParam() == Way::bf16_onednn ? 1e-4f : 0;
        SCOPED_TRACE(std::to_string(rows) + "×" + std::to_string(cols) + ", matrix " + std::to_string(i) +
                     " from row " + std::to_string(first));
        for (std::size_t at = 0; at < got.size(); ++at) ASSERT_NEAR(got[at], want[at], most);
        for (std::size_t at = 0; at < got_back.size(); ++at) ASSERT_NEAR(got_back[at], want_back[at], most);
      }
  }
}

}  // namespace
}  // namespace sw::train
