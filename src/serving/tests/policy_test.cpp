#include <gtest/gtest.h>

#include <string>

#include "serving/fair_share.hpp"
#include "serving/step_budget.hpp"

namespace sw {
namespace {

TEST(FairShare, clients_take_turns_whatever_they_have_queued) {
  FairShare fair;
  const double a1 = fair.place("a", 10), a2 = fair.place("a", 10), a3 = fair.place("a", 10);
  const double b1 = fair.place("b", 10);
  EXPECT_LT(a1, a2);
  EXPECT_LT(a2, a3);
  EXPECT_EQ(b1, a1);
}

TEST(FairShare, short_request_of_a_new_client_goes_before_a_long_one) {
  FairShare fair;
  const double document = fair.place("a", 2000);
  EXPECT_LT(fair.place("b", 50), document);
}

TEST(FairShare, client_that_was_away_is_not_owed_the_time) {
  FairShare fair;
  fair.started(fair.place("a", 1000));
  const double a = fair.place("a", 10), b = fair.place("b", 10);
  EXPECT_EQ(a, b);
}

TEST(FairShare, tokens_written_count_against_the_next_request) {
  FairShare fair;
  fair.place("a", 10);
  fair.charge("a", 500);
  EXPECT_GT(fair.place("a", 10), fair.place("b", 10));
}

TEST(StepBudget, prompt_beside_texts_takes_as_long_as_they_do) {
  StepBudget budget(512);
  for (int i = 0; i < 50; ++i) {
    budget.observe(4, 0, 40);
    budget.observe(4, 40, 80);  // 1 ms per token of a prompt
  }
  EXPECT_EQ(budget.prompt_tokens(4, 1), 40);
  EXPECT_EQ(budget.prompt_tokens(4, 3), 120);
}

TEST(StepBudget, prompts_alone_fill_a_fifth_of_a_second) {
  StepBudget budget(512);
  for (int i = 0; i < 50; ++i) budget.observe(0, 100, 200);
  EXPECT_EQ(budget.prompt_tokens(0, 1), 100);
}

TEST(StepBudget, step_never_holds_more_than_the_batch) {
  StepBudget budget(128);
  for (int i = 0; i < 50; ++i) {
    budget.observe(8, 0, 100);
    budget.observe(0, 100, 1);
  }
  EXPECT_EQ(budget.prompt_tokens(0, 1), 128);
  EXPECT_EQ(budget.prompt_tokens(8, 5), 120);
}

TEST(StepBudget, prompts_go_on_beside_texts_however_slow_the_machine) {
  StepBudget budget(512);
  for (int i = 0; i < 50; ++i) {
    budget.observe(1, 0, 1);
    budget.observe(0, 64, 6400);
  }
  EXPECT_GT(budget.prompt_tokens(1, 1), 0);
}

}  // namespace
}  // namespace sw
