#include "game/rules.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "game/graph.hpp"
#include "game/quiz.hpp"
#include "game/scoring.hpp"
#include "game/share_code.hpp"
#include "small_content.hpp"

namespace sw::game {
namespace {

constexpr std::int64_t day = 86400;

class Rules : public ::testing::Test {
 protected:
  const Content content = alphabet().load();
  State state = new_game(content, 7);
  std::int64_t now = 1'000'000;

  Events play(Action action) {
    auto events = apply(content, state, {std::move(action), now});
    EXPECT_TRUE(events) << events.error().message();
    return events.value_or(Events{});
  }
  Events combine(const std::vector<std::string>& ids, const char* prediction = nullptr) {
    return play(Combine{mix(content, ids), prediction ? std::optional(at(content, prediction)) : std::nullopt});
  }
  std::string refused(Action action) {
    const auto events = apply(content, state, {std::move(action), now});
    return events ? "" : events.error().what;
  }
  bool knows(std::string_view id) const { return state.knows(at(content, id)); }
  template <class T>
  static const T* find(const Events& events) {
    for (const Event& event : events)
      if (const T* found = std::get_if<T>(&event)) return found;
    return nullptr;
  }
};

TEST_F(Rules, a_game_begins_with_the_starting_concepts_and_what_they_make) {
  EXPECT_EQ(state.found.size(), 3u);
  EXPECT_TRUE(knows("a") && knows("b") && knows("c"));
  EXPECT_EQ(state.makeable, 3);  // ab, bc, and abc of all three
  EXPECT_EQ(state.score(), 0);
}

TEST_F(Rules, a_recipe_discovers_and_scores_by_difficulty) {
  const Events events = combine({"b", "c"});
  const auto* found = find<event::Discovered>(events);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->idea, at(content, "bc"));
  EXPECT_EQ(found->points, 20);
  EXPECT_EQ(state.score(), 20);
  EXPECT_TRUE(knows("bc"));
}

TEST_F(Rules, the_order_of_ingredients_does_not_matter) {
  EXPECT_EQ(mix(content, {"a", "b", "c"}), mix(content, {"c", "a", "b"}));
  combine({"c", "b", "a"});
  EXPECT_TRUE(knows("abc"));
}

TEST_F(Rules, another_recipe_of_a_known_concept_is_worth_a_little_once) {
  combine({"a", "b", "c"});
  combine({"a", "b"});
  const int before = state.score();
  EXPECT_TRUE(find<event::AnotherWay>(combine({"ab", "c"})));
  EXPECT_EQ(state.score(), before + scoring::another_way);
  EXPECT_TRUE(find<event::Known>(combine({"ab", "c"})));
  EXPECT_EQ(state.score(), before + scoring::another_way);
}

TEST_F(Rules, a_misconception_is_told_and_is_worth_something_the_first_time) {
  const Events first = combine({"c", "a"});
  ASSERT_TRUE(find<event::Misconceived>(first));
  EXPECT_EQ(find<event::Misconceived>(first)->points, scoring::misconception);
  EXPECT_EQ(find<event::Misconceived>(combine({"a", "c"}))->points, 0);
}

TEST_F(Rules, a_combination_in_vain_says_how_much_is_still_within_reach) {
  combine({"a", "b"});
  const Events events = combine({"ab", "b"});
  const auto* nothing = find<event::Nothing>(events);
  ASSERT_TRUE(nothing);
  // b still makes bc and, with a and c, abc; ab makes abc with c.
  for (const auto& [idea, open] : nothing->open) EXPECT_EQ(open, idea == at(content, "b") ? 2 : 1);
}

TEST(RulesOfTriples, one_ingredient_too_many_or_too_few_is_said) {
  const Content content = SmallContent({{.id = "a"},
                                        {.id = "b"},
                                        {.id = "c"},
                                        {.id = "pair", .recipes = {{"a", "b"}}},
                                        {.id = "triple", .recipes = {{"pair", "b", "c"}}}})
                              .load();
  State state = new_game(content, 1);
  const auto nothing = [&](const std::vector<std::string>& ids) {
    const auto events = apply(content, state, {Combine{mix(content, ids), {}}, 1});
    return std::get<event::Nothing>(events->front());
  };
  EXPECT_TRUE(nothing({"a", "b", "c"}).too_many);
  EXPECT_FALSE(nothing({"a", "c"}).too_few);
  ASSERT_TRUE(apply(content, state, {Combine{mix(content, {"a", "b"}), {}}, 1}));
  EXPECT_FALSE(nothing({"a", "b", "c"}).too_many);  // what a + b gives is known
  EXPECT_TRUE(nothing({"pair", "c"}).too_few);
}

TEST_F(Rules, unknown_repeated_or_single_ingredients_are_refused_and_change_nothing) {
  const State before = state;
  EXPECT_EQ(refused(Combine{mix(content, {"abc", "bc"}), {}}), "Concept bc has not been found yet");
  EXPECT_EQ(refused(Combine{mix(content, {"a", "a"}), {}}), "Concept a is there twice");
  EXPECT_EQ(refused(Combine{mix(content, {"a"}), {}}), "a combination needs two or three concepts");
  EXPECT_EQ(refused(Combine{mix(content, {"a", "b"}), at(content, "c")}), "Concept c was found already");
  EXPECT_EQ(state.moves, before.moves);
  EXPECT_EQ(state.history, before.history);
  EXPECT_EQ(state.score(), before.score());
}

TEST_F(Rules, right_predictions_make_a_streak_and_a_wrong_one_ends_it) {
  EXPECT_EQ(find<event::Predicted>(combine({"a", "b"}, "ab"))->points, 5);
  EXPECT_EQ(find<event::Predicted>(combine({"b", "c"}, "bc"))->points, 10);
  EXPECT_EQ(state.tally.prediction_streak.now, 2);
  const Events wrong = combine({"a", "c"}, "top");
  EXPECT_FALSE(find<event::Predicted>(wrong)->right);
  EXPECT_EQ(state.tally.prediction_streak.now, 0);
  EXPECT_EQ(state.tally.prediction_streak.best, 2);
}

TEST_F(Rules, help_goes_from_the_category_to_the_pair_and_never_costs_more_than_there_is) {
  for (int step = 1; step <= 4; ++step) {
    const Events events = play(AskHint{});
    ASSERT_TRUE(find<event::Hinted>(events));
    EXPECT_EQ(find<event::Hinted>(events)->step, step);
    EXPECT_EQ(find<event::Hinted>(events)->idea, at(content, "ab"));  // the easiest
    EXPECT_EQ(find<event::Hinted>(events)->cost, 0);                  // nothing was earned yet
  }
  combine({"a", "b"});
  const int before = state.score();
  EXPECT_EQ(find<event::Hinted>(play(AskHint{}))->cost, 2);  // bc: difficulty 2
  EXPECT_EQ(state.score(), before - 2);
}

TEST_F(Rules, help_towards_a_target_begins_with_what_can_be_made_now) {
  const Events events = play(AskHint{at(content, "top")});
  const ConceptIndex first = find<event::Hinted>(events)->idea;
  EXPECT_TRUE(state.reachable_now[first]);
  EXPECT_EQ(refused(AskHint{at(content, "a")}), "Concept a was found already");
}

TEST_F(Rules, a_check_opens_at_half_its_chapter_and_is_passed_with_four_of_five) {
  const Scope module_1{Scope::Kind::module, 1};
  EXPECT_EQ(refused(StartQuiz{module_1}), "this check is not open yet");
  combine({"b", "c"});
  play(StartQuiz{module_1});
  ASSERT_TRUE(state.quiz);
  ASSERT_EQ(state.quiz->questions.size(), 5u);
  const int before = state.score();
  for (int i = 0; i < 5; ++i) {
    const int correct = state.quiz->questions[state.quiz->index].correct;
    const Events events = play(Answer{i == 2 ? (correct + 1) % 4 : correct});
    EXPECT_EQ(find<event::Answered>(events)->right, i != 2);
    if (i == 4) {
      ASSERT_TRUE(find<event::QuizFinished>(events));
      EXPECT_TRUE(find<event::QuizFinished>(events)->passed);
    }
  }
  EXPECT_FALSE(state.quiz);
  EXPECT_EQ(state.score(), before + scoring::chapter_passed);
  EXPECT_TRUE(state.passed.contains(module_1));
  EXPECT_EQ(refused(Answer{0}), "no question is waiting for an answer");
}

TEST_F(Rules, a_check_with_three_of_five_is_not_passed) {
  combine({"a", "b"});
  const Scope chapter{Scope::Kind::chapter, 0, 0, 0};
  play(StartQuiz{chapter});
  for (int i = 0; i < 5; ++i) {
    const int correct = state.quiz->questions[state.quiz->index].correct;
    play(Answer{i < 3 ? correct : (correct + 1) % 4});
  }
  EXPECT_FALSE(state.passed.contains(chapter));
  EXPECT_EQ(state.best_check.at(chapter), 3);
}

TEST_F(Rules, a_concept_can_be_asked_about_once_it_is_found_without_points) {
  const Scope about{.kind = Scope::Kind::idea, .idea = at(content, "ab")};
  EXPECT_EQ(refused(StartQuiz{about}), "this concept has not been found yet");
  combine({"a", "b"});
  const int before = state.score();
  play(StartQuiz{about});
  ASSERT_EQ(state.quiz->questions.size(), 5u);
  for (const Question& question : state.quiz->questions) EXPECT_EQ(question.idea, about.idea);
  while (state.quiz) play(Answer{state.quiz->questions[state.quiz->index].correct});
  EXPECT_EQ(state.score(), before);
  EXPECT_TRUE(state.passed.empty());
}

TEST_F(Rules, what_was_found_is_due_for_review_a_day_later) {
  combine({"a", "b"});
  EXPECT_EQ(refused(StartQuiz{}), "nothing is due for review");
  now += day;
  EXPECT_EQ(due(state, now).size(), 4u);
  play(StartQuiz{});
  ASSERT_EQ(state.quiz->questions.size(), 4u);
  while (state.quiz) play(Answer{state.quiz->questions[state.quiz->index].correct});
  EXPECT_EQ(due(state, now).size(), 0u);
  EXPECT_EQ(due(state, now + day).size(), 4u);  // SM-2: the first interval is a day
}

TEST_F(Rules, undo_takes_back_a_combination_and_nothing_else) {
  combine({"a", "b"});
  const State before = state;
  combine({"b", "c"}, "bc");
  const Events events = play(Undo{});
  EXPECT_EQ(find<event::Undone>(events)->idea, at(content, "bc"));
  EXPECT_EQ(state.history, before.history);
  EXPECT_EQ(state.score(), before.score());
  EXPECT_EQ(state.tally.prediction_streak.best, 0);
  EXPECT_EQ(state.moves, before.moves + 2);
  play(AskHint{});
  EXPECT_EQ(refused(Undo{}), "there is nothing to take back");
}

TEST_F(Rules, a_challenge_compares_what_was_said_with_what_was_measured_and_only_the_first_time_counts) {
  const ConceptIndex abc = at(content, "abc");
  EXPECT_EQ(refused(TakeChallenge{abc, 1, 5}), "this concept has not been found yet");
  combine({"a", "b", "c"});
  const int before = state.score();
  Events events = play(TakeChallenge{abc, 0, 5});
  EXPECT_FALSE(find<event::Measured>(events)->right);
  EXPECT_EQ(find<event::Measured>(events)->points, scoring::measured);
  events = play(TakeChallenge{abc, 1, 6});
  EXPECT_TRUE(find<event::Measured>(events)->right);
  EXPECT_EQ(find<event::Measured>(events)->points, 0);
  EXPECT_EQ(state.score(), before + scoring::measured);
  EXPECT_FALSE(state.challenges.at(abc).right);
  EXPECT_EQ(state.challenges.at(abc).measured, 6);
  EXPECT_EQ(find<event::Measured>(play(TakeChallenge{at(content, "b"), 6.2, 6}))->points, scoring::foretold);
}

TEST_F(Rules, a_challenge_takes_numbers_and_its_own_choices_only) {
  combine({"a", "b", "c"});
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double prediction : {-1.0, 3.0, 0.5, nan, infinity})
    EXPECT_EQ(refused(TakeChallenge{at(content, "abc"), prediction, 5}), "there is no such answer");
  EXPECT_EQ(refused(TakeChallenge{at(content, "b"), nan, 5}), "the prediction is no number");
  EXPECT_EQ(refused(TakeChallenge{at(content, "b"), 5, infinity}), "what was measured is no number");
  EXPECT_EQ(refused(TakeChallenge{at(content, "a"), 0, 5}), "Concept a has nothing to measure");
  EXPECT_EQ(refused(TakeChallenge{ConceptIndex{999}, 0, 5}), "this concept has not been found yet");
}

TEST_F(Rules, achievements_are_given_once_when_they_are_reached) {
  EXPECT_EQ(find<event::Achieved>(combine({"a", "b"}))->achievement, 0u);
  EXPECT_FALSE(find<event::Achieved>(combine({"a", "b"})));
  EXPECT_EQ(find<event::Achieved>(combine({"a", "b"}))->achievement, 2u);  // three attempts
}

TEST_F(Rules, the_end_is_told) {
  combine({"a", "b"});
  combine({"b", "c"});
  combine({"ab", "c"});
  const Events events = combine({"abc", "bc"});
  EXPECT_TRUE(find<event::Complete>(events));
  EXPECT_TRUE(state.complete());
  EXPECT_EQ(state.makeable, 0);
  EXPECT_EQ(refused(AskHint{}), "everything has been discovered");
}

TEST_F(Rules, time_does_not_go_back) {
  combine({"a", "b"});
  now -= 1;
  EXPECT_NE(refused(Combine{mix(content, {"b", "c"}), {}}).find("is not after"), std::string::npos);
}

TEST_F(Rules, pauses_of_more_than_five_minutes_are_not_playing) {
  combine({"a", "b"});
  now += 60;
  combine({"a", "b"});
  now += 3600;
  combine({"a", "b"});
  EXPECT_EQ(state.tally.active_seconds, 60);
}

TEST_F(Rules, a_share_code_begins_another_game_where_this_one_stands) {
  combine({"a", "b"});
  combine({"ab", "c"});
  State other = new_game(content, 9);
  ASSERT_TRUE(apply(content, other, {Adopt{share_code(content, state)}, now}));
  for (std::size_t i = 0; i < content.size(); ++i)
    EXPECT_EQ(other.knows(static_cast<ConceptIndex>(i)), state.knows(static_cast<ConceptIndex>(i)))
        << content.concepts[i].id;
  EXPECT_EQ(refused(Adopt{share_code(content, state)}), "a share code can only begin a game");
}

TEST_F(Rules, share_codes_with_a_wrong_letter_are_refused) {
  combine({"a", "b"});
  const std::string code = share_code(content, state);
  for (std::size_t i = 0; i < code.size(); ++i) {
    std::string wrong = code;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_share_code(content, wrong)) << i;
  }
  EXPECT_FALSE(parse_share_code(content, code.substr(0, code.size() - 3)));
  EXPECT_FALSE(parse_share_code(content, ""));
  EXPECT_FALSE(parse_share_code(content, std::string(100'000, 'A')));
}

TEST(Graph, a_way_lists_what_is_missing_in_an_order_in_which_it_can_be_done) {
  const Content content = alphabet().load();
  const State state = new_game(content, 1);
  std::vector<std::string> ids;
  for (const ConceptIndex idea : way_to(content, state, at(content, "top"))) ids.push_back(content[idea].id);
  // abc of a, b and c costs less than by way of ab.
  EXPECT_EQ(ids, (std::vector<std::string>{"abc", "bc", "top"}));
}

TEST(Levels, begin_at_one_and_grow_with_the_points) {
  EXPECT_EQ(scoring::level_at(0).number, 1);
  EXPECT_EQ(scoring::level_at(119).number, 1);
  EXPECT_EQ(scoring::level_at(120).number, 2);
  EXPECT_EQ(scoring::level_at(1'000'000).number, scoring::n_levels);
  EXPECT_EQ(scoring::level_at(1'000'000).next, 0);
}

TEST(Quiz, wrong_answers_come_from_the_same_field_and_never_say_the_same_as_the_right_one) {
  const Content content = alphabet().load();
  State state = new_game(content, 3);
  for (const auto& pair : {std::vector<std::string>{"a", "b"}, {"b", "c"}, {"ab", "c"}})
    ASSERT_TRUE(apply(content, state, {Combine{mix(content, pair), {}}, 1}));
  for (const Question& q : make_questions(content, state, {Scope::Kind::module, 1}, 1)) {
    EXPECT_EQ(q.choices[q.correct], q.idea);
    std::set<std::string> texts;
    for (int i = 0; i < n_choices; ++i) texts.insert(choice_text(content, q, i));
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(n_choices)) << question_text(content, q);
    for (const std::string& text : texts)
      EXPECT_EQ(text.find("oncept " + content[q.idea].id), std::string::npos) << text;
  }
}

TEST(Quiz, predictions_to_choose_from_hold_the_result_and_nothing_that_is_known) {
  const Content content = alphabet().load();
  const State state = new_game(content, 3);
  const auto choices = prediction_choices(content, state, mix(content, {"a", "b"}));
  EXPECT_EQ(choices.size(), 4u);
  EXPECT_NE(std::ranges::find(choices, at(content, "ab")), choices.end());
  for (const ConceptIndex idea : choices) EXPECT_FALSE(state.knows(idea));
}

}  // namespace
}  // namespace sw::game
