#include "baseline/sufficiency.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tasks/suite.hpp"

namespace sw {
namespace {

TaskItem item_of(const std::string& task, int grade) {
  TaskItem item;
  item.task = task;
  item.grade = grade;
  return item;
}

ScoreCard card(const std::string& task, int grade, int right, int wrong) {
  ScoreCard scores;
  for (int i = 0; i < right; ++i) scores.add(item_of(task, grade), true);
  for (int i = 0; i < wrong; ++i) scores.add(item_of(task, grade), false);
  return scores;
}

TEST(Sufficiency, takes_the_smallest_model_that_is_good_enough) {
  const ScoreCard tiny = card("recall", 2, 5, 15), small = card("recall", 2, 17, 3), large = card("recall", 2, 20, 0);
  const std::vector<Contender> contenders = {{"tiny", &tiny}, {"small", &small}, {"large", &large}};
  const auto found = smallest_sufficient(contenders, {"recall", 2}, 0.8);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->model, "small");
  EXPECT_EQ(found->score.right, 17);
}

TEST(Sufficiency, is_sure_only_where_the_whole_interval_is) {
  // Wilson, 95 %: 20 of 20 is [0.839, 1], 19 of 20 is [0.764, 0.991].
  const ScoreCard all = card("recall", 1, 20, 0), most = card("recall", 1, 19, 1);
  const std::vector<Contender> perfect = {{"m", &all}}, nearly = {{"m", &most}};
  EXPECT_EQ(smallest_sufficient(perfect, {"recall", 1}, 0.8)->confidence, Confidence::sure);
  EXPECT_EQ(smallest_sufficient(nearly, {"recall", 1}, 0.8)->confidence, Confidence::likely);
}

TEST(Sufficiency, is_not_claimed_where_nothing_was_asked_or_nothing_suffices) {
  const ScoreCard weak = card("recall", 1, 1, 19);
  const std::vector<Contender> contenders = {{"m", &weak}};
  EXPECT_FALSE(smallest_sufficient(contenders, {"recall", 1}, 0.8));
  EXPECT_FALSE(smallest_sufficient(contenders, {"recall", 4}, 0.0));
  EXPECT_FALSE(smallest_sufficient({}, {"recall", 1}, 0.8));
}

TEST(ScoreCards, add_up_over_grades_and_tasks) {
  ScoreCard scores = card("recall", 1, 3, 1);
  scores.add(item_of("recall", 2), true);
  scores.add(item_of("arithmetic", 1), false);
  EXPECT_EQ(scores.of_task("recall").right, 4);
  EXPECT_EQ(scores.of_task("recall").asked, 5);
  EXPECT_EQ(scores.total().asked, 6);
  EXPECT_EQ(scores.at({"recall", 2}).asked, 1);
  EXPECT_EQ(scores.at({"recall", 3}).asked, 0);
}

TEST(ChoosingItems, takes_as_many_of_every_cell_from_all_over_it) {
  const auto suite = task_suite();
  ASSERT_TRUE(suite);
  for (const int per_cell : {1, 3, 5, 20}) {
    const auto chosen = choose_items(*suite, per_cell);
    std::map<Cell, int> counts;
    for (const TaskItem& item : chosen) ++counts[{item.task, item.grade}];
    EXPECT_EQ(counts.size(), 24u);
    for (const auto& [cell, count] : counts) EXPECT_EQ(count, per_cell) << cell.first << cell.second;
  }
  EXPECT_EQ(choose_items(*suite, 0).size(), suite->size());
  // Both halves of sentiment: the first ten are positive.
  std::set<std::string> labels;
  for (const TaskItem& item : choose_items(*suite, 4))
    if (item.task == "classification" && item.grade == 1) labels.insert(item.example);
  EXPECT_EQ(labels.size(), 2u);
}

}  // namespace
}  // namespace sw
