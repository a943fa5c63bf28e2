#include "loadtest/rate_search.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sw::loadtest {
namespace {

struct Found {
  double rate = 0;
  int steps = 0;
};

template <class Met>
Found search(const RateSearch::Limits& limits, const Met& met) {
  RateSearch search(limits);
  Found found;
  while (const auto step = search.next()) {
    EXPECT_LE(step->rate, limits.most);
    search.tell(met(*step));
    if (++found.steps > 200) break;
  }
  found.rate = search.answer();
  return found;
}

TEST(RateSearch, finds_the_limit_from_below_and_from_above) {
  for (const double limit : {0.02, 0.9, 1.0, 37.0, 12345.0})
    for (const double first : {1.0, 10.0}) {
      const Found found = search({.first = first, .most = 1e6, .precision = 0.05},
                                 [&](const auto& step) { return step.rate <= limit; });
      EXPECT_LE(found.rate, limit);
      EXPECT_GE(found.rate, limit / 1.05 / 1.0001) << "limit " << limit << ", first " << first;
      EXPECT_LE(found.steps, 40);
    }
}

TEST(RateSearch, stops_at_the_most_it_may_try) {
  const Found found = search({.first = 1, .most = 100, .precision = 0.05}, [](const auto&) { return true; });
  EXPECT_EQ(found.rate, 100);
}

TEST(RateSearch, gives_up_where_nothing_is_met) {
  const Found found = search({}, [](const auto&) { return false; });
  EXPECT_EQ(found.rate, 0);
  EXPECT_LE(found.steps, 12);
}

TEST(RateSearch, does_not_believe_a_lucky_short_run) {
  // Short runs meet anything up to 100, long ones up to 50.
  const Found found = search({}, [](const auto& step) { return step.rate <= (step.confirms ? 50 : 100); });
  EXPECT_LE(found.rate, 50);
  EXPECT_GT(found.rate, 45);
}

TEST(RateSearch, ends_on_noise) {
  std::mt19937 generator(1);
  for (int trial = 0; trial < 100; ++trial) {
    const Found found = search(
        {}, [&](const auto& step) { return step.rate * std::uniform_real_distribution<>(0.7, 1.4)(generator) <= 50; });
    EXPECT_LE(found.steps, 200);
    EXPECT_GT(found.rate, 20);
    EXPECT_LT(found.rate, 75);
  }
}

}  // namespace
}  // namespace sw::loadtest
