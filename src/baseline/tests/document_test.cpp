#include "baseline/document.hpp"

#include <gtest/gtest.h>

#include "tasks/suite.hpp"

namespace sw {
namespace {

BaselineRow row_of(const std::string& model, bool real) {
  BaselineRow row{.model = model, .weights = real ? "pulled" : "random Q4_0", .real = real, .speed = {}, .scores = {}};
  row.speed = BaselineSpeed{.load_ms = {10, 9, 11},
                            .ttft_ms = {20, 18, 22},
                            .prefill_tok_s = {500, 450, 550},
                            .decode_tok_s = {50, 45, 55},
                            .memory_bytes = 1e9};
  return row;
}

class BaselineDocument : public ::testing::Test {
 protected:
  void SetUp() override { suite_ = task_suite().value(); }

  /// A model that is right up to a grade.
  BaselineRow knows_up_to(const std::string& model, int grade) {
    BaselineRow row = row_of(model, true);
    for (const TaskItem& item : suite_) row.scores.add(item, item.grade <= grade);
    return row;
  }

  static const report::Table& table(const report::Document& document, const std::string& title) {
    static const report::Table none;
    for (const auto& element : document.elements)
      if (const auto* found = std::get_if<report::Table>(&element); found && found->title == title) return *found;
    ADD_FAILURE() << "no table " << title;
    return none;
  }

  std::vector<TaskItem> suite_;
};

TEST_F(BaselineDocument, maps_each_grade_to_the_smallest_model_that_suffices) {
  const std::vector<BaselineRow> rows = {knows_up_to("tiny", 1), row_of("untrained", false), knows_up_to("small", 3)};
  const auto document = baseline_document({.prompt_tokens = 128, .new_tokens = 32, .threads = 2}, rows, suite_);
  const auto& map = table(document, "The smallest sufficient model");
  ASSERT_EQ(map.rows.size(), 6u);
  for (const auto& row : map.rows) {
    ASSERT_EQ(row.size(), 5u);
    EXPECT_EQ(std::get<std::string>(row[1]), "tiny! 100%");
    EXPECT_EQ(std::get<std::string>(row[2]), "small! 100%");
    EXPECT_EQ(std::get<std::string>(row[3]), "small! 100%");
    EXPECT_EQ(std::get<std::string>(row[4]), "none");
  }
  EXPECT_NE(document.conclusion.find("18 of 24"), std::string::npos) << document.conclusion;
}

TEST_F(BaselineDocument, shows_no_quality_of_random_weights_and_says_that_they_are) {
  const auto document = baseline_document({}, {row_of("qwen2.5-0.5b", false)}, suite_);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(table(document, "Small models").rows.front().back()));
  EXPECT_EQ(std::get<std::string>(table(document, "Weights").rows.front().back()), "random Q4_0");
  EXPECT_NE(document.conclusion.find("pull"), std::string::npos);
}

TEST_F(BaselineDocument, says_that_it_was_interrupted_and_not_that_weights_are_missing) {
  const auto early = baseline_document({.interrupted = true}, {row_of("demo", true)}, suite_);
  EXPECT_EQ(early.conclusion.find("Interrupted"), 0u) << early.conclusion;
  EXPECT_EQ(report::to_terminal(early).find("no trained weights"), std::string::npos);
  const auto late = baseline_document({.interrupted = true}, {knows_up_to("tiny", 1)}, suite_);
  EXPECT_EQ(late.conclusion.find("Interrupted; so far: 6 of 24"), 0u) << late.conclusion;
  const auto unasked = baseline_document({}, {row_of("demo", true)}, suite_);
  EXPECT_EQ(unasked.conclusion, "");
}

TEST_F(BaselineDocument, says_in_full_why_a_model_was_not_measured) {
  BaselineRow failed{.model = "huge", .weights = {}, .real = false, .speed = {}, .scores = {}};
  failed.error = "there are 5 MB of free memory (expected 900 MB). Free some, choose others with --models";
  const std::string text = report::to_terminal(baseline_document({}, {failed}, suite_), {.width = 80});
  EXPECT_NE(text.find("900 MB"), std::string::npos) << text;
}

TEST_F(BaselineDocument, fits_a_terminal_of_80_columns) {
  const std::vector<BaselineRow> rows = {knows_up_to("smollm2-135m", 2), knows_up_to("qwen2.5-0.5b", 4)};
  const std::string text =
      report::to_terminal(baseline_document({}, rows, suite_), {.width = 80, .color = false, .unicode = false});
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    EXPECT_LE(end - begin, 80u + 8u) << "UTF-8 may take more bytes than columns: " << text.substr(begin, end - begin);
  EXPECT_NE(text.find("smollm2-135m! 100%"), std::string::npos) << text;
}

}  // namespace
}  // namespace sw
