#include "tasks/suite.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tasks/score.hpp"

namespace sw {
namespace {

class Suite : public ::testing::Test {
 protected:
  void SetUp() override {
    auto suite = task_suite();
    ASSERT_TRUE(suite) << suite.error().message();
    items_ = std::move(*suite);
  }
  std::vector<TaskItem> items_;
};

TEST_F(Suite, has_twenty_items_of_four_grades_of_six_tasks) {
  std::map<std::pair<std::string, int>, int> cells;
  for (const TaskItem& item : items_) ++cells[{item.task, item.grade}];
  EXPECT_EQ(cells.size(), 24u);
  for (const auto& [cell, count] : cells) EXPECT_EQ(count, 20) << cell.first << " " << cell.second;
}

TEST_F(Suite, scores_every_example_as_right) {
  for (const TaskItem& item : items_) EXPECT_TRUE(is_right(item, item.example)) << item.id << ": " << item.example;
}

TEST_F(Suite, scores_no_prompt_silence_or_nonsense_as_right) {
  for (const TaskItem& item : items_)
    for (const std::string& reply :
         {item.prompt, std::string(), std::string("I do not know"), std::string("lorem ipsum\ndolor")})
      EXPECT_FALSE(is_right(item, reply)) << item.id << ": " << reply;
}

TEST_F(Suite, asks_no_question_twice) {
  std::set<std::string> prompts, ids;
  for (const TaskItem& item : items_) {
    EXPECT_TRUE(prompts.insert(item.prompt).second) << item.id;
    EXPECT_TRUE(ids.insert(item.id).second) << item.id;
  }
}

/// Guessing the most frequent label must not look like skill.
TEST_F(Suite, has_no_label_that_is_right_for_most_of_a_cell) {
  std::map<std::pair<int, std::string>, int> labels;
  for (const TaskItem& item : items_)
    if (item.task == "classification") ++labels[{item.grade, item.example}];
  for (const auto& [label, count] : labels) EXPECT_LE(count, 12) << label.first << " " << label.second;
}

}  // namespace
}  // namespace sw
