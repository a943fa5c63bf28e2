#include <algorithm>
#include <array>
#include <functional>
#include <numbers>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::EveryTable;
using testing::first_difference;
using testing::Random;

constexpr float margin = 0.625f;

/// n values followed by a margin no kernel may write.
std::vector<float> with_margin(std::vector<float> values) {
  values.resize(values.size() + 40, margin);
  return values;
}

class Rows : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Rows, testing::every_table, testing::table_name);

TEST_P(Rows, norm_gives_the_bits_of_the_reference) {
  Random random(1);
  for (int n = 1; n < 100; ++n)
    for (const float scale : {1e-18f, 1.0f, 1e15f}) {
      const auto x = random.normals(n, scale), weight = random.normals(n);
      auto got = with_margin(std::vector<float>(static_cast<std::size_t>(n))), expected = got;
      table().rms_norm(x.data(), weight.data(), 1e-6f, n, got.data());
      reference().rms_norm(x.data(), weight.data(), 1e-6f, n, expected.data());
      ASSERT_EQ(first_difference(got, expected), -1) << n;
    }
}

TEST_P(Rows, norm_has_root_mean_square_one) {
  Random random(2);
  const auto x = random.normals(896, 3.0f);
  const std::vector<float> ones(896, 1.0f);
  std::vector<float> y(896);
  table().rms_norm(x.data(), ones.data(), 0, 896, y.data());
  double squares = 0;
  for (const float v : y) squares += double{v} * v;
  EXPECT_NEAR(std::sqrt(squares / 896), 1, 1e-6);
}

TEST_P(Rows, norm_in_place_is_the_same) {
  Random random(3);
  auto x = random.normals(100);
  const auto weight = random.normals(100);
  std::vector<float> y(100);
  table().rms_norm(x.data(), weight.data(), 1e-6f, 100, y.data());
  table().rms_norm(x.data(), weight.data(), 1e-6f, 100, x.data());
  EXPECT_EQ(x, y);
}

TEST_P(Rows, rotation_gives_the_bits_of_the_reference) {
  Random random(4);
  for (const RopeLayout layout : {RopeLayout::half, RopeLayout::interleaved})
    for (int dims = 2; dims <= 130; dims += 2) {
      std::vector<float> cos, sin;
      for (int i = 0; i < dims / 2; ++i) {
        const float angle = random.uniform(-3, 3);
        cos.push_back(std::cos(angle));
        sin.push_back(std::sin(angle));
      }
      auto got = with_margin(random.normals(dims)), expected = got;
      table().rope(got.data(), cos.data(), sin.data(), dims, layout);
      reference().rope(expected.data(), cos.data(), sin.data(), dims, layout);
      ASSERT_EQ(first_difference(got, expected), -1) << dims;
    }
}

TEST_P(Rows, rotation_by_a_quarter_turn_exchanges_the_dimensions_of_a_pair) {
  const std::vector<float> cos(2, 0.0f), sin(2, 1.0f);
  std::vector<float> half = {1, 2, 3, 4}, interleaved = half;
  table().rope(half.data(), cos.data(), sin.data(), 4, RopeLayout::half);
  table().rope(interleaved.data(), cos.data(), sin.data(), 4, RopeLayout::interleaved);
  EXPECT_EQ(half, (std::vector<float>{-3, -4, 1, 2}));
  EXPECT_EQ(interleaved, (std::vector<float>{-2, 1, -4, 3}));
}

TEST_P(Rows, sum_gives_the_bits_of_the_reference) {
  Random random(5);
  for (int n = 0; n < 70; ++n) {
    auto got = with_margin(random.normals(n)), expected = got;
    const auto x = random.normals(n);
    table().add(got.data(), x.data(), n);
    reference().add(expected.data(), x.data(), n);
    ASSERT_EQ(first_difference(got, expected), -1) << n;
  }
}

double exact(Activation activation, double x) {
  switch (activation) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::relu:
      return std::max(x, 0.0);
  }
  return 0;
}

constexpr std::array activations = {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf, Activation::relu};

TEST_P(Rows, activations_are_accurate_on_the_whole_axis) {
  for (const Activation activation : activations) {
    std::vector<float> x;
    for (float v = -12; v <= 12; v += 0.00371f) x.push_back(v);
    for (const float v :
         {0.0f, 1e-30f, -1e-30f, 1e-6f, -1e-6f, 30.0f, -30.0f, 87.0f, -87.0f, 90.0f, -90.0f, 1e4f, -1e4f})
      x.push_back(v);
    std::vector<float> y = x;
    table().activate(y.data(), nullptr, activation, static_cast<std::int64_t>(y.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = exact(activation, x[i]);
      // The tail of a gelu is a difference of nearly equal numbers: accurate relative to x, as PyTorch's is.
      const bool gelu = activation == Activation::gelu_tanh || activation == Activation::gelu_erf;
      const double size = gelu ? std::fabs(x[i]) : std::fabs(expected);
      // Far to the left silu is x / e^88, not 0: the exponential ends there.
      ASSERT_NEAR(y[i], expected, 1e-6 * size + 1e-34) << static_cast<int>(activation) << "(" << x[i] << ")";
    }
  }
}

TEST_P(Rows, gate_multiplies_the_other_branch) {
  Random random(6);
  for (const Activation activation : activations)
    for (int n = 1; n < 50; ++n) {
      const auto up = random.normals(n);
      auto gated = with_margin(random.normals(n)), alone = gated;
      table().activate(gated.data(), up.data(), activation, n);
      table().activate(alone.data(), nullptr, activation, n);
      for (int i = 0; i < n; ++i) alone[static_cast<std::size_t>(i)] *= up[static_cast<std::size_t>(i)];
      ASSERT_EQ(first_difference(gated, alone), -1) << n;
    }
}

TEST_P(Rows, elementwise_results_do_not_depend_on_where_a_row_is_cut) {
  Random random(7);
  const auto x = random.normals(77);
  for (const Activation activation : activations) {
    auto whole = x, parts = x;
    table().activate(whole.data(), nullptr, activation, 77);
    table().activate(parts.data(), nullptr, activation, 30);
    table().activate(parts.data() + 30, nullptr, activation, 47);
    EXPECT_EQ(first_difference(whole, parts), -1);
  }
  auto whole = x, parts = x;
  table().softcap(whole.data(), 2, 77);
  table().softcap(parts.data(), 2, 13);
  table().softcap(parts.data() + 13, 2, 64);
  EXPECT_EQ(first_difference(whole, parts), -1);
}

TEST_P(Rows, softcap_is_accurate_and_stays_within_the_cap) {
  for (const float cap : {1.0f, 30.0f, 50.0f}) {
    std::vector<float> x;
    for (float v = -10 * cap; v <= 10 * cap; v += cap / 300) x.push_back(v);
    x.push_back(3e38f);
    x.push_back(-3e38f);
    std::vector<float> y = with_margin(x);
    table().softcap(y.data(), cap, static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(y[i], cap * std::tanh(double{x[i]} / cap), 3e-7 * cap) << x[i];
      ASSERT_LE(std::fabs(y[i]), cap);
    }
    EXPECT_EQ(y[x.size()], margin);
  }
}

}  // namespace
}  // namespace sw
