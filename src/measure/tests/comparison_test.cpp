#include "measure/comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace sw {
namespace {

/// A machine that is measured without one: each run takes what the model of its noise says, and time passes by it.
class Simulation {
 public:
  using Noise = std::function<double(std::mt19937_64&)>;  // a factor of the time of one run

  Simulation(Noise noise, std::uint64_t seed) : noise_(std::move(noise)), random_(seed) {}

  MeasureMs side(double ms) {
    return [this, ms]() -> Result<double> {
      // What disturbs for long: a slow walk of the machine's speed, which both sides see.
      drift_ = 0.995 * drift_ + 0.01 * std::normal_distribution<>()(random_);
      const double taken = ms * std::exp(drift_) * noise_(random_);
      seconds_ += taken / 1e3;
      return taken;
    };
  }
  ComparisonHooks hooks() {
    return {.clock = [this] { return seconds_; }};
  }

 private:
  Noise noise_;
  std::mt19937_64 random_;
  double drift_ = 0, seconds_ = 0;
};

const std::pair<const char*, Simulation::Noise> machines[] = {
    {"quiet", [](auto& r) { return std::exp(0.01 * std::normal_distribution<>()(r)); }},
    {"noisy", [](auto& r) { return std::exp(0.10 * std::normal_distribution<>()(r)); }},
    // One run in five loses time to another program, up to once its own.
    {"shared",
     [](auto& r) {
       return std::exp(0.03 * std::normal_distribution<>()(r)) +
              (r() % 5 == 0 ? std::uniform_real_distribution<>()(r) : 0);
     }},
};

constexpr int trials = 400;

ComparisonOptions options(std::uint64_t seed) {
  return {.seconds = 20, .least_effect = 0.001, .seed = seed};
}

TEST(Comparison, of_a_with_a_finds_a_winner_at_most_once_in_twenty) {
  for (const auto& [name, noise] : machines) {
    int winners = 0;
    for (std::uint64_t trial = 0; trial < trials; ++trial) {
      Simulation machine(noise, trial);
      const auto result = compare(machine.side(100), machine.side(100), options(trial), machine.hooks());
      ASSERT_TRUE(result);
      winners += result->outcome == Outcome::a_faster || result->outcome == Outcome::b_faster;
    }
    RecordProperty(std::string("false_winners_") + name, winners);
    EXPECT_LE(winners, trials / 20) << name;
  }
}

TEST(Comparison, finds_a_slowdown_of_5_percent_within_its_time) {
  for (const auto& [name, noise] : machines) {
    int found = 0, wrong = 0;
    double longest = 0;
    for (std::uint64_t trial = 0; trial < 100; ++trial) {
      Simulation machine(noise, trial);
      ComparisonOptions wanted = options(trial);
      wanted.seconds = 60;
      const auto result = compare(machine.side(100), machine.side(105), wanted, machine.hooks());
      ASSERT_TRUE(result);
      found += result->outcome == Outcome::a_faster;
      wrong += result->outcome == Outcome::b_faster || result->outcome == Outcome::same;
      longest = std::max(longest, result->seconds);
    }
    EXPECT_GE(found, 95) << name;
    EXPECT_EQ(wrong, 0) << name;
    EXPECT_LE(longest, 61) << name;
  }
}

TEST(Comparison, a_large_difference_ends_it_early) {
  Simulation machine(machines[0].second, 1);
  const auto result = compare(machine.side(100), machine.side(50), options(1), machine.hooks());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome, Outcome::b_faster);
  EXPECT_NEAR(result->ratio, 2, 0.05);
  EXPECT_TRUE(result->interval.contains(2));
  EXPECT_LT(result->seconds, 5);
}

TEST(Comparison, sides_that_certainly_differ_by_less_than_the_least_effect_are_the_same) {
  Simulation machine(machines[0].second, 2);
  ComparisonOptions wanted = options(2);
  wanted.least_effect = 0.02;
  const auto result = compare(machine.side(100), machine.side(100.2), wanted, machine.hooks());
  EXPECT_EQ(result->outcome, Outcome::same);
}

TEST(Comparison, the_detectable_effect_is_what_is_found_four_times_in_five) {
  // Of runs that can find 5 % at their end, a difference of 5 % is found about as often.
  int found = 0, n = 0;
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    Simulation calibrating(machines[1].second, 1000 + trial);
    ComparisonOptions wanted = options(trial);
    wanted.least_effect = 0;
    const auto reference = compare(calibrating.side(100), calibrating.side(100), wanted, calibrating.hooks());
    Simulation machine(machines[1].second, trial);
    const auto result =
        compare(machine.side(100), machine.side(100 * (1 + reference->detectable)), wanted, machine.hooks());
    found += result->outcome == Outcome::a_faster;
    ++n;
  }
  EXPECT_GE(found, n * 65 / 100);
  EXPECT_LE(found, n * 95 / 100);
}

TEST(Comparison, an_interrupted_one_tells_what_it_knows) {
  Simulation machine(machines[0].second, 3);
  int pairs = 0;
  ComparisonHooks hooks = machine.hooks();
  hooks.progress = [&](const ComparisonResult&) { ++pairs; };
  hooks.stop = [&] { return pairs == 20; };
  const auto result = compare(machine.side(100), machine.side(100.5), options(3), hooks);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(result->a_ms.size(), 20u);
  EXPECT_LT(result->interval.low, result->interval.high);
}

TEST(Comparison, a_run_that_the_interruption_ended_takes_no_pair_with_it) {
  Simulation machine(machines[0].second, 4);
  bool stopped = false;
  int runs = 0;
  const MeasureMs steady = machine.side(100);
  const MeasureMs ended_by_it = [&]() -> Result<double> {
    if (++runs <= 20) return steady();
    stopped = true;
    return fail("interrupted");
  };
  ComparisonHooks hooks = machine.hooks();
  hooks.stop = [&] { return stopped; };
  const auto result = compare(steady, ended_by_it, options(4), hooks);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(result->a_ms.size(), 19u);  // the first run warms up
  EXPECT_EQ(result->b_ms.size(), 19u);
  EXPECT_LT(result->interval.low, result->interval.high);
}

TEST(Comparison, an_error_of_either_side_ends_it) {
  const auto good = []() -> Result<double> { return 1; };
  const auto bad = []() -> Result<double> { return fail("broken"); };
  EXPECT_FALSE(compare(good, bad, {}));
  EXPECT_FALSE(compare(bad, good, {}));
}

}  // namespace
}  // namespace sw
