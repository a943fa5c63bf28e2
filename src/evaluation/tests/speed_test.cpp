#include "evaluation/speed.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "evaluation/counts.hpp"
#include "measure/statistics.hpp"

namespace sw {
namespace {

const std::filesystem::path models = std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/models";

class SpeedOf : public testing::TestWithParam<const char*> {
 protected:
  SpeedOf() {
    auto opened = open_model(models / GetParam(), {}, pool);
    if (opened) model = std::make_unique<Model>(std::move(*opened));
  }
  ThreadPool pool{1};
  std::unique_ptr<Model> model;
};

TEST_P(SpeedOf, a_run_reads_and_writes_what_was_asked_for_every_time) {
  ASSERT_TRUE(model);
  auto run = SpeedRun::create(*model, pool, {.prompt_tokens = 20, .new_tokens = 5, .batch = 3});
  ASSERT_TRUE(run) << run.error().message();
  for (int i = 0; i < 3; ++i) {
    const auto sample = run->run();
    ASSERT_TRUE(sample) << sample.error().message();
    EXPECT_EQ(sample->inter_token_ms.size(), 5u);
    EXPECT_GT(sample->prefill_ms, 0);
    EXPECT_GE(sample->ttft_ms, sample->prefill_ms);
    EXPECT_GE(sample->total_ms, sample->ttft_ms + sample->decode_ms * 0.999);
  }
}

TEST_P(SpeedOf, counts_are_the_same_every_time_and_with_any_number_of_threads) {
  ASSERT_TRUE(model);
  WorkCounts first;
  for (const int threads : {1, 2}) {
    ThreadPool other(threads);
    auto run = SpeedRun::create(*model, other, {.prompt_tokens = 20, .new_tokens = 5});
    const auto recorded = run->record();
    ASSERT_TRUE(recorded);
    const WorkCounts counts = counts_of(recorded->decode);
    EXPECT_EQ(counts.tokens, 5);
    EXPECT_EQ(counts.passes, 5);
    EXPECT_GT(counts.bytes_per_token(), 0);
    if (threads == 1) first = counts;
    EXPECT_EQ(counts.bytes, first.bytes);
    EXPECT_EQ(counts.operations, first.operations);
    EXPECT_EQ(counts.ops, first.ops);
  }
}

TEST_P(SpeedOf, spans_lie_within_their_passes) {
  ASSERT_TRUE(model);
  auto run = SpeedRun::create(*model, pool, {.prompt_tokens = 20, .new_tokens = 4});
  const auto recorded = run->record();
  ASSERT_TRUE(recorded);
  for (const PhaseSpans* phase : {&recorded->prefill, &recorded->decode}) {
    ASSERT_FALSE(phase->passes.empty());
    // Every pass is covered from its beginning, without gaps and without overlaps.
    auto span = phase->spans.begin();
    for (const PassRecord& pass : phase->passes) {
      for (std::int64_t at = pass.begin_ns; span != phase->spans.end() && span->begin_ns == at; ++span) {
        EXPECT_GE(span->end_ns, at);
        EXPECT_LE(span->end_ns, pass.end_ns);
        at = span->end_ns;
      }
    }
    EXPECT_EQ(span, phase->spans.end());
  }
}

TEST_P(SpeedOf, a_slowdown_put_in_is_in_the_times) {
  ASSERT_TRUE(model);
  // So large that no busy machine hides it: four times the time.
  const SpeedWork work{.prompt_tokens = 20, .new_tokens = 20};
  SpeedWork slow = work;
  slow.slowdown = 3;
  auto plain = SpeedRun::create(*model, pool, work), slowed = SpeedRun::create(*model, pool, slow);
  ASSERT_TRUE(plain && slowed);
  std::vector<double> ratios;
  for (int i = 0; i < 15; ++i) ratios.push_back(slowed->run().value().decode_ms / plain->run().value().decode_ms);
  EXPECT_GT(median(ratios), 2);
}

TEST_P(SpeedOf, work_beyond_the_context_is_refused_and_a_cancelled_run_can_be_repeated) {
  ASSERT_TRUE(model);
  EXPECT_FALSE(SpeedRun::create(*model, pool, {.prompt_tokens = 1 << 20, .new_tokens = 1}));
  auto run = SpeedRun::create(*model, pool, {.prompt_tokens = 20, .new_tokens = 4});
  const std::atomic<bool> cancel = true;
  EXPECT_FALSE(run->run(&cancel));
  EXPECT_TRUE(run->run());
}

INSTANTIATE_TEST_SUITE_P(Models, SpeedOf, testing::Values("llama", "qwen2", "mamba"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace sw
