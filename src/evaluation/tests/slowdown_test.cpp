#include <gtest/gtest.h>

#include "evaluation/speed.hpp"
#include "measure/comparison.hpp"
#include "measure/stopwatch.hpp"

// The real engine on the real machine, with a slowdown put in from outside. Timed, so not part of ./test:
//   build/evaluation_tests --gtest_also_run_disabled_tests --gtest_filter='*Timed*'

namespace sw {
namespace {

/// Runs the work and then wastes `slowdown` of the time it took, with the core busy.
MeasureMs slowed(SpeedRun& run, double slowdown) {
  return [&run, slowdown]() -> Result<double> {
    const Stopwatch stopwatch;
    SW_ASSIGN(const SpeedSample sample, run.run());
    const double until = stopwatch.ms() + slowdown * sample.total_ms;
    while (stopwatch.ms() < until) continue;
    return sample.total_ms * (1 + slowdown);
  };
}

class DISABLED_Timed : public testing::Test {
 protected:
  Result<ComparisonResult> compare_with(double slowdown, std::uint64_t seed) {
    ThreadPool pool_a(1), pool_b(1);
    SW_ASSIGN(const Model model, open_model(SPEEDWINS_SOURCE_DIR "/models/demo.gguf", {}, pool_a));
    SW_ASSIGN(SpeedRun a, SpeedRun::create(model, pool_a, {.prompt_tokens = 64, .new_tokens = 16}));
    SW_ASSIGN(SpeedRun b, SpeedRun::create(model, pool_b, {.prompt_tokens = 64, .new_tokens = 16}));
    return compare(slowed(a, 0), slowed(b, slowdown), {.seconds = 110, .seed = seed});
  }
};

TEST_F(DISABLED_Timed, a_slowdown_of_5_percent_is_found_in_less_than_two_minutes) {
  const auto result = compare_with(0.05, 1);
  ASSERT_TRUE(result) << result.error().message();
  RecordProperty("ratio", std::to_string(result->ratio));
  RecordProperty("low", std::to_string(result->interval.low));
  RecordProperty("high", std::to_string(result->interval.high));
  RecordProperty("seconds", std::to_string(result->seconds));
  RecordProperty("pairs", static_cast<int>(result->a_ms.size()));
  EXPECT_EQ(result->outcome, Outcome::a_faster) << result->ratio << " after " << result->seconds << " s";
  EXPECT_LT(result->seconds, 120);
}

TEST_F(DISABLED_Timed, nothing_is_found_where_nothing_was_put_in) {
  const auto result = compare_with(0, 2);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_NE(result->outcome, Outcome::a_faster) << result->ratio;
  EXPECT_NE(result->outcome, Outcome::b_faster) << result->ratio;
}

}  // namespace
}  // namespace sw
