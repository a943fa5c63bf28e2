#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "game/embedded_content.hpp"
#include "game/graph.hpp"
#include "game/hints.hpp"
#include "game/policies.hpp"
#include "game/rules.hpp"
#include "game/save.hpp"
#include "game/views.hpp"
#include "nlohmann/json.hpp"
#include "small_content.hpp"

namespace sw::game {
namespace {

/// Any action at all, sensible or not.
Action any_action(const Content& content) {
  const int last = static_cast<int>(content.size()) + 1;  // some ids there are not
  const auto idea = [&] { return static_cast<ConceptIndex>(*rc::gen::inRange(0, last)); };
  switch (*rc::gen::weightedElement<int>({{20, 0}, {4, 1}, {3, 2}, {6, 3}, {3, 4}, {3, 5}, {1, 6}})) {
    case 0: {
      std::vector<ConceptIndex> parts;
      for (int n = *rc::gen::inRange(0, 4); n > 0; --n) parts.push_back(idea());
      return Combine{Ingredients(parts), *rc::gen::inRange(0, 4) == 0 ? std::optional(idea()) : std::nullopt};
    }
    case 1:
      return AskHint{*rc::gen::inRange(0, 2) == 0 ? std::optional(idea()) : std::nullopt};
    case 2:
      return StartQuiz{{static_cast<Scope::Kind>(*rc::gen::inRange(0, 4)), *rc::gen::inRange(-1, 12),
                        static_cast<std::size_t>(*rc::gen::inRange(0, 3)),
                        static_cast<std::size_t>(*rc::gen::inRange(0, 3)), idea()}};
    case 3:
      return Answer{*rc::gen::inRange(-1, 5)};
    case 4:
      return TakeChallenge{idea(), *rc::gen::inRange(-1, 5) + 0.0, *rc::gen::arbitrary<double>()};
    case 5:
      return Undo{};
    default:
      return Adopt{"SW1-AAAA"};
  }
}

void check_invariants(const Content& content, const State& state) {
  RC_ASSERT(state.score() >= 0);
  RC_ASSERT(state.history.size() == state.numbers.size());
  RC_ASSERT(state.history.size() <= state.moves);
  std::set<ConceptIndex> known;
  for (std::size_t i = 0; i < state.found.size(); ++i) {
    const Found& found = state.found[i];
    RC_ASSERT(known.insert(found.idea).second);
    RC_ASSERT(state.place[found.idea] == static_cast<std::int32_t>(i));
    // Everything found was a start or made of what was found before it.
    RC_ASSERT(content[found.idea].start || !found.from.empty());
    for (const ConceptIndex part : found.from) RC_ASSERT(state.place[part] < static_cast<std::int32_t>(i));
  }
  int makeable = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const auto idea = static_cast<ConceptIndex>(i);
    const bool can = !state.knows(idea) && std::ranges::any_of(content[idea].recipes, [&](const Recipe& recipe) {
      return state.knows_all(recipe.ingredients);
    });
    RC_ASSERT(bool{state.reachable_now[i]} == can);
    makeable += can;
  }
  RC_ASSERT(state.makeable == makeable);
  RC_ASSERT(state.complete() || makeable > 0);  // nobody is ever stuck
  if (state.quiz) RC_ASSERT(state.quiz->index < state.quiz->questions.size());
}

void any_game_holds(const Content& content, int length) {
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, seed_limit);
  State state = new_game(content, seed);
  Record record{seed, {}};
  std::int64_t now = 1'700'000'000;
  for (int i = 0; i < length; ++i) {
    now += *rc::gen::weightedElement<std::int64_t>({{8, 3}, {1, 1000}, {1, 100'000}});
    const Move move{any_action(content), now};
    const State before = state;
    if (apply(content, state, move)) {
      record.moves.push_back(move);
    } else {
      RC_ASSERT(state.history == before.history && state.moves == before.moves && state.points == before.points);
    }
    check_invariants(content, state);
  }
  const auto again = replay(content, record);
  RC_ASSERT(again.has_value());
  const auto shown = [&](const State& s) { return views::state(content, s, "main", now).dump(); };
  RC_ASSERT(shown(*again) == shown(state));
  RC_ASSERT(views::statistics(content, *again, now) == views::statistics(content, state, now));

  const auto imported = import_save(content, export_save(content, record, state));
  RC_ASSERT(imported.has_value());
  RC_ASSERT(shown(imported->state) == shown(state));
}

RC_GTEST_PROP(AnyGame, keeps_its_invariants_replays_and_survives_export_and_import, ()) {
  static const Content content = alphabet().load();
  any_game_holds(content, 40);
}

RC_GTEST_PROP(AnyGame, of_the_real_content_does_too, ()) {
  static const auto content = parse_content(embedded_content());
  RC_PRE(content.has_value());
  any_game_holds(*content, 60);
}

TEST(Policies, who_only_follows_hints_discovers_everything) {
  const auto content = parse_content(embedded_content());
  ASSERT_TRUE(content) << content.error().message();
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Curve curve = play_policy(*content, Policy::hints, seed, 100'000);
    EXPECT_TRUE(curve.end.complete());
    EXPECT_EQ(curve.found.size(), content->size() - content->start.size() + 1);  // each combination found something
    EXPECT_GT(curve.end.score(), 0);  // and help did not eat up what it brought
  }
}

TEST(Hints, of_every_concept_are_four_and_each_says_more) {
  const auto content = parse_content(embedded_content());
  ASSERT_TRUE(content) << content.error().message();
  State state = new_game(*content, 1);
  while (!state.complete()) {
    const ConceptIndex next = makeable(*content, state).front().idea;
    std::set<std::string> texts;
    for (int step = 1; step <= 4; ++step) texts.insert(hint_text(*content, state, {next, step}).text);
    EXPECT_EQ(texts.size(), 4u) << content->concepts[next].id;
    EXPECT_FALSE(texts.contains("")) << content->concepts[next].id;
    ASSERT_TRUE(apply(*content, state, {Combine{usable_recipe(*content, state, next)->ingredients, {}}, 1}));
  }
}

TEST(Policies, knowledge_beats_attention_and_attention_beats_luck) {
  const auto content = parse_content(embedded_content());
  ASSERT_TRUE(content) << content.error().message();
  const auto found_after = [&](Policy policy, std::size_t attempts) {
    int sum = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
      sum += play_policy(*content, policy, seed, static_cast<int>(attempts)).found.back();
    return sum / 5;
  };
  EXPECT_GT(found_after(Policy::expert, 100), found_after(Policy::attentive, 100));
  EXPECT_GT(found_after(Policy::attentive, 300), found_after(Policy::random, 300));
  // A curious guess is rewarded often enough to go on.
  EXPECT_GT(found_after(Policy::random, 100), 10);
}

}  // namespace
}  // namespace sw::game
