#include "loadtest/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace sw::loadtest {
namespace {

TEST(Histograms, quantiles_are_within_the_precision_of_exact_ones) {
  std::mt19937_64 generator(1);
  std::lognormal_distribution<double> latency(15, 2);  // around 3 ms, over six decades
  std::vector<double> exact;
  Histogram histogram;
  for (int i = 0; i < 100000; ++i) {
    const auto ns = static_cast<std::int64_t>(latency(generator));
    exact.push_back(static_cast<double>(ns));
    histogram.add(ns);
  }
  std::ranges::sort(exact);
  for (const double q : {0.0, 0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * 100000))) - 1;
    EXPECT_NEAR(histogram.quantile_ns(q), exact[rank], exact[rank] / 1024 + 1) << q;
  }
  EXPECT_EQ(histogram.count(), 100000);
  EXPECT_EQ(static_cast<double>(histogram.min_ns()), exact.front());
  EXPECT_EQ(static_cast<double>(histogram.max_ns()), exact.back());
}

TEST(Histograms, small_values_are_exact_and_the_largest_fit) {
  Histogram histogram;
  for (const std::int64_t ns : {std::int64_t{-5}, std::int64_t{0}, std::int64_t{7}, std::int64_t{1023}})
    histogram.add(ns);
  EXPECT_EQ(histogram.quantile_ns(0.5), 0);
  EXPECT_EQ(histogram.quantile_ns(0.75), 7);
  EXPECT_EQ(histogram.quantile_ns(1), 1023);
  histogram.add(std::int64_t{1} << 62);
  EXPECT_NEAR(histogram.quantile_ns(1), std::ldexp(1, 62), std::ldexp(1, 52));
}

TEST(Histograms, merging_is_adding_everything) {
  Histogram left, right, both;
  for (std::int64_t i = 1; i < 5000; ++i) {
    (i % 3 ? left : right).add(i * i);
    both.add(i * i);
  }
  left.merge(right);
  left.merge(Histogram());
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.mean_ns(), both.mean_ns());
  for (const double q : {0.1, 0.5, 0.99}) EXPECT_EQ(left.quantile_ns(q), both.quantile_ns(q));
  Histogram empty;
  empty.merge(both);
  EXPECT_EQ(empty.min_ns(), both.min_ns());
}

TEST(Histograms, an_empty_one_has_no_values) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.quantile_ns(0.5), 0);
  EXPECT_EQ(empty.mean_ns(), 0);
  EXPECT_FALSE(empty.resolves(0.5));
}

TEST(Histograms, say_which_quantiles_they_resolve) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.add(i);
  EXPECT_TRUE(histogram.resolves(0.99));
  EXPECT_FALSE(histogram.resolves(0.999));
}

TEST(Histograms, intervals_of_quantiles_cover_the_truth_as_often_as_they_say) {
  // Exponential with mean 1 ms: the 90th percentile is ln(10) ms.
  std::mt19937_64 generator(2);
  std::exponential_distribution<double> latency(1e-6);
  int covered = 0;
  constexpr int trials = 1000;
  for (int trial = 0; trial < trials; ++trial) {
    Histogram histogram;
    for (int i = 0; i < 300; ++i) histogram.add(static_cast<std::int64_t>(latency(generator)));
    covered += histogram.quantile_interval_ns(0.9).contains(std::log(10) * 1e6);
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 985);
}

TEST(Histograms, count_what_is_within_a_limit) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(i);
  EXPECT_DOUBLE_EQ(histogram.fraction_within(25), 0.25);
  EXPECT_DOUBLE_EQ(histogram.fraction_within(1000), 1);
  EXPECT_DOUBLE_EQ(histogram.fraction_within(-1), 0);
}

}  // namespace
}  // namespace sw::loadtest
