#include "tasks/score.hpp"

#include <gtest/gtest.h>

namespace sw {
namespace {

TaskItem item_of(Scorer scorer) {
  TaskItem item;
  item.scorer = std::move(scorer);
  return item;
}

TEST(Normalized, drops_what_does_not_matter_in_a_short_answer) {
  EXPECT_EQ(normalized("Positive."), "positive");
  EXPECT_EQ(normalized("\n\n **Positive** \nbecause it is kind"), "positive");
  EXPECT_EQ(normalized("Answer: \"Paris\""), "paris");
  EXPECT_EQ(normalized("**Answer:** Paris"), "paris");
  EXPECT_EQ(normalized("Answer:\nParis"), "paris");
  EXPECT_EQ(normalized("The answer is: the  Nile River!"), "nile river");
  EXPECT_EQ(normalized("“An apple”"), "apple");
}

TEST(Normalized, keeps_what_does) {
  EXPECT_EQ(normalized("2024-05-03."), "2024-05-03");
  EXPECT_EQ(normalized("not positive"), "not positive");
  EXPECT_EQ(normalized("A"), "a");
  EXPECT_EQ(normalized("answer machine"), "answer machine");
  EXPECT_EQ(normalized(" ...\n"), "");
}

TEST(LastNumber, reads_signs_decimals_groups_and_exponents) {
  EXPECT_EQ(last_number("7"), 7);
  EXPECT_EQ(last_number("3 + 4 = 7."), 7);
  EXPECT_EQ(last_number("It is $1,234.50 in all"), 1234.5);
  EXPECT_EQ(last_number("-12"), -12);
  EXPECT_EQ(last_number("−12 degrees"), -12);
  EXPECT_EQ(last_number("12kg"), 12);
  EXPECT_EQ(last_number(".5"), 0.5);
  EXPECT_EQ(last_number("1.5e-3"), 0.0015);
  EXPECT_EQ(last_number("10-4"), 4);
  EXPECT_EQ(last_number("1,2"), 2);
  EXPECT_EQ(last_number("12,3456"), 3456);
}

TEST(LastNumber, is_absent_where_there_is_none) {
  EXPECT_EQ(last_number(""), std::nullopt);
  EXPECT_EQ(last_number("seven"), std::nullopt);
  EXPECT_EQ(last_number("x2"), std::nullopt);
  EXPECT_EQ(last_number("1e999999999"), std::nullopt);
}

TEST(ExactMatch, accepts_any_of_its_answers_and_nothing_longer) {
  const TaskItem item = item_of(ExactMatch{{"New York City", "NYC"}});
  EXPECT_TRUE(is_right(item, "new york city"));
  EXPECT_TRUE(is_right(item, "NYC."));
  EXPECT_FALSE(is_right(item, "New York"));
  EXPECT_FALSE(is_right(item, "NYC or Boston"));
  EXPECT_FALSE(is_right(item, ""));
}

TEST(Numeric, accepts_numbers_within_its_tolerance) {
  EXPECT_TRUE(is_right(item_of(Numeric{12, 0}), "There are 12 apples"));
  EXPECT_FALSE(is_right(item_of(Numeric{12, 0}), "12.01"));
  EXPECT_TRUE(is_right(item_of(Numeric{12, 0.05}), "12.01"));
  EXPECT_FALSE(is_right(item_of(Numeric{12, 0}), "twelve"));
}

TEST(ContainsAll, wants_one_of_each_group_as_whole_words) {
  const TaskItem item =
      item_of(ContainsAll{.groups = {{"Monday"}, {"3 pm", "15:00"}}, .forbidden = {}, .max_words = 0});
  EXPECT_TRUE(is_right(item, "The talk is on Monday,\nat 3 PM."));
  EXPECT_TRUE(is_right(item, "15:00 (monday)"));
  EXPECT_FALSE(is_right(item, "Mondays at 3 pm"));
  EXPECT_FALSE(is_right(item, "On Monday at 3"));
}

TEST(ContainsAll, refuses_long_replies_and_forbidden_words) {
  const TaskItem item = item_of(ContainsAll{.groups = {{"red"}}, .forbidden = {"blue"}, .max_words = 3});
  EXPECT_TRUE(is_right(item, "It is red"));
  EXPECT_FALSE(is_right(item, "It is surely red"));
  EXPECT_FALSE(is_right(item, "red, blue"));
}

TEST(MultipleChoice, accepts_the_letter_or_the_choice) {
  const TaskItem item = item_of(MultipleChoice{{"iron", "gold", "tin"}, 1});
  EXPECT_TRUE(is_right(item, "B"));
  EXPECT_TRUE(is_right(item, "(b)"));
  EXPECT_TRUE(is_right(item, "Gold."));
  EXPECT_FALSE(is_right(item, "A"));
  EXPECT_FALSE(is_right(item, "tin"));
}

TEST(ConstraintsOf, counts_hold_at_both_ends) {
  Constraints constraints;
  constraints.words = {3, 4};
  EXPECT_FALSE(satisfies(constraints, "one two"));
  EXPECT_TRUE(satisfies(constraints, " one two three "));
  EXPECT_TRUE(satisfies(constraints, "one two three four"));
  EXPECT_FALSE(satisfies(constraints, "one two three four five"));
}

TEST(ConstraintsOf, lines_that_are_empty_do_not_count) {
  Constraints constraints;
  constraints.lines = {2, 2};
  constraints.each_line_starts_with = "- ";
  EXPECT_TRUE(satisfies(constraints, "- a\n\n- b\n"));
  EXPECT_FALSE(satisfies(constraints, "- a\nb"));
  EXPECT_FALSE(satisfies(constraints, "- a\n- b\n- c"));
}

TEST(ConstraintsOf, sentences_end_with_a_mark_at_the_end_of_a_word) {
  Constraints constraints;
  constraints.sentences = {2, 2};
  EXPECT_TRUE(satisfies(constraints, "It costs 3.50 euros. \"Really?\""));
  EXPECT_FALSE(satisfies(constraints, "Only one."));
}

TEST(ConstraintsOf, parts_and_letters_are_checked) {
  Constraints constraints;
  constraints.starts_with = "Dear";
  constraints.ends_with = "Bye.";
  constraints.contains = {"SUN"};
  constraints.excludes = {"rain"};
  EXPECT_TRUE(satisfies(constraints, "Dear all, the sun is out. Bye."));
  EXPECT_FALSE(satisfies(constraints, "dear all, the sun is out. Bye."));
  EXPECT_FALSE(satisfies(constraints, "Dear all, the sun is out."));
  EXPECT_FALSE(satisfies(constraints, "Dear all, the moon is out. Bye."));
  EXPECT_FALSE(satisfies(constraints, "Dear all, the sun and Rain. Bye."));

  Constraints upper;
  upper.letters = Constraints::Case::upper;
  EXPECT_TRUE(satisfies(upper, "YES 1"));
  EXPECT_FALSE(satisfies(upper, "YES x"));
  EXPECT_FALSE(satisfies(upper, "123"));

  Constraints equals;
  equals.equals = "a b";
  EXPECT_TRUE(satisfies(equals, " a b\n"));
  EXPECT_FALSE(satisfies(equals, "a  b"));
}

TEST(ConstraintsOf, json_keys_are_exactly_those) {
  Constraints constraints;
  constraints.json_keys = {"name", "age"};
  EXPECT_TRUE(satisfies(constraints, R"({"age": 3, "name": "Ada"})"));
  EXPECT_TRUE(satisfies(constraints, "```json\n{\"age\": 3, \"name\": \"Ada\"}\n```"));
  EXPECT_FALSE(satisfies(constraints, R"({"age": 3})"));
  EXPECT_FALSE(satisfies(constraints, R"({"age": 3, "name": 1, "x": 2})"));
  EXPECT_FALSE(satisfies(constraints, R"(["age", "name"])"));
  EXPECT_FALSE(satisfies(constraints, "{\"age\": 3, \"name\": "));
  EXPECT_FALSE(satisfies(constraints, "```"));
}

TEST(ConstraintsOf, an_empty_reply_never_satisfies) {
  EXPECT_FALSE(satisfies({}, " \n"));
}

}  // namespace
}  // namespace sw
