#include "game/rules.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "game/achievements.hpp"
#include "game/challenge.hpp"
#include "game/graph.hpp"
#include "game/quiz.hpp"
#include "game/scoring.hpp"
#include "game/share_code.hpp"

namespace sw::game {
namespace {

constexpr std::int64_t latest = std::int64_t{1} << 40;  ///< some 35 000 years
constexpr std::int64_t longest_thought = 300;           ///< seconds between moves that still count as playing
constexpr int right_quality = 4, wrong_quality = 1;     ///< of SM-2's 0 … 5

std::unexpected<Error> against(std::string what, std::string next = {}) {
  return fail(std::move(what), "the move", {}, std::move(next));
}

/// Plays one kind of move each. Every operator() checks all it needs before it changes anything.
struct Player {
  const Content& content;
  State& state;
  std::int64_t at;
  Events events;

  Status operator()(const Combine& move);
  Status operator()(const AskHint& move);
  Status operator()(const StartQuiz& move);
  Status operator()(const Answer& move);
  Status operator()(const TakeChallenge& move);
  Status operator()(const Undo&);
  Status operator()(const Adopt& move);

  void discover(ConceptIndex idea, const Ingredients& from, int points);
  void predict(ConceptIndex prediction, std::optional<ConceptIndex> result);
  event::Nothing nothing(const Ingredients& from) const;
  void finish_quiz();
};

void Player::discover(ConceptIndex idea, const Ingredients& from, int points) {
  state.place[idea] = static_cast<std::int32_t>(state.found.size());
  state.found.push_back({idea, at, state.moves, from, points, first_review(at)});
  state.points += points;
  if (state.reachable_now[idea]) --state.makeable;
  state.reachable_now[idea] = false;
  for (const RecipeRef ref : content.uses[idea]) {
    if (state.knows(ref.result) || state.reachable_now[ref.result]) continue;
    if (!state.knows_all(content.recipe(ref).ingredients)) continue;
    state.reachable_now[ref.result] = true;
    ++state.makeable;
  }
  if (state.helped == idea) state.helped.reset();
}

void Player::predict(ConceptIndex prediction, std::optional<ConceptIndex> result) {
  event::Predicted told{.right = prediction == result, .idea = prediction};
  ++state.tally.predictions;
  if (told.right) {
    ++state.tally.right_predictions;
    state.tally.prediction_streak.grow();
    told.points = scoring::insight(state.tally.prediction_streak.now);
    state.points += told.points;
  } else {
    state.tally.prediction_streak.end();
  }
  told.streak = state.tally.prediction_streak.now;
  events.emplace_back(told);
}

event::Nothing Player::nothing(const Ingredients& from) const {
  event::Nothing told;
  told.from = from;
  const auto is_new = [&](RecipeRef ref) { return !state.knows(ref.result); };
  for (const ConceptIndex part : from) {
    std::set<ConceptIndex> within_reach;
    for (const RecipeRef ref : content.uses[part]) {
      if (!is_new(ref)) continue;
      const Ingredients& needed = content.recipe(ref).ingredients;
      if (state.knows_all(needed)) within_reach.insert(ref.result);
      told.too_few |= from.size() == 2 && needed.size() == 3 &&
                      std::ranges::all_of(from, [&](ConceptIndex p) { return needed.contains(p); });
      told.too_many |= from.size() == 3 && needed.size() == 2 &&
                       std::ranges::all_of(needed, [&](ConceptIndex p) { return from.contains(p); });
    }
    told.open.emplace_back(part, static_cast<int>(within_reach.size()));
  }
  return told;
}

Status Player::operator()(const Combine& move) {
  const Ingredients& from = move.ingredients;
  if (from.size() < 2) return against("a combination needs two or three concepts");
  for (const ConceptIndex* part = from.begin(); part != from.end(); ++part) {
    if (*part >= content.size()) return against("there is no such concept");
    if (!state.knows(*part))
      return against(fmt::format("{} has not been found yet", content[*part].name), "Combine what you have found");
    if (part != from.begin() && *part == part[-1])
      return against(fmt::format("{} is there twice", content[*part].name), "Combine different concepts");
  }
  if (move.prediction) {
    if (*move.prediction >= content.size()) return against("there is no such concept to predict");
    if (state.knows(*move.prediction))
      return against(fmt::format("{} was found already", content[*move.prediction].name),
                     "Predict something that is still to be found");
  }

  ++state.tally.attempts;
  const auto made = content.by_ingredients.find(from.key());
  if (made == content.by_ingredients.end()) {
    if (move.prediction) predict(*move.prediction, std::nullopt);
    state.tally.discovery_streak.end();
    if (const auto wrong = content.misconception_by_key.find(from.key()); wrong != content.misconception_by_key.end()) {
      const bool first = state.misconceptions.insert(wrong->second).second;
      const int points = first ? scoring::misconception : 0;
      state.points += points;
      events.emplace_back(event::Misconceived{wrong->second, points});
    } else {
      events.emplace_back(nothing(from));
    }
    return {};
  }

  const ConceptIndex idea = made->second.result;
  const bool new_way = state.recipes.insert(from.key()).second;
  state.ways[idea] = static_cast<std::uint16_t>(state.ways[idea] + new_way);
  if (state.knows(idea)) {
    state.tally.discovery_streak.end();
    if (new_way) {
      state.points += scoring::another_way;
      events.emplace_back(event::AnotherWay{idea, from, scoring::another_way});
    } else {
      events.emplace_back(event::Known{idea, from});
    }
    return {};
  }
  if (move.prediction) predict(*move.prediction, idea);
  const int points = scoring::discovery(content[idea]);
  discover(idea, from, points);
  state.tally.discovery_streak.grow();
  state.tally.unaided_streak.grow();
  events.emplace_back(event::Discovered{idea, from, points});
  const auto same_module = [&](const Concept& c) { return c.module == content[idea].module; };
  bool whole_module = true;
  for (std::size_t i = 0; i < content.size(); ++i)
    whole_module = whole_module && (!same_module(content.concepts[i]) || state.knows(static_cast<ConceptIndex>(i)));
  if (whole_module) events.emplace_back(event::ChapterComplete{content[idea].module});
  if (state.complete()) events.emplace_back(event::Complete{});
  return {};
}

Status Player::operator()(const AskHint& move) {
  std::optional<ConceptIndex> idea;
  if (move.target) {
    if (*move.target >= content.size()) return against("there is no such concept");
    if (state.knows(*move.target)) return against(fmt::format("{} was found already", content[*move.target].name));
    const auto way = way_to(content, state, *move.target);
    if (way.empty()) return against(fmt::format("there is no way to {}", content[*move.target].name));
    idea = way.front();
  } else if (state.helped) {
    idea = state.helped;
  } else {
    const auto easiest = makeable(content, state);
    if (easiest.empty()) return against("everything has been discovered");
    idea = easiest.front().idea;
  }
  int& step = state.help[*idea];
  event::Hinted told{.idea = *idea};
  if (step < scoring::hint_steps) {
    // Help never fails for lack of points, so that nobody is ever stuck.
    told.cost = std::min(scoring::hint(content[*idea], ++step), state.score());
    state.spent += told.cost;
    ++state.tally.hints;
    state.tally.unaided_streak.end();
  }
  told.step = step;
  state.helped = idea;
  events.emplace_back(told);
  return {};
}

/// Without what its kind does not use, so that two names of one chapter are equal.
Scope plain(const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::module:
      return {.kind = scope.kind, .module = scope.module};
    case Scope::Kind::chapter:
      return {.kind = scope.kind, .path = scope.path, .chapter = scope.chapter};
    case Scope::Kind::idea:
      return {.kind = scope.kind, .idea = scope.idea};
    case Scope::Kind::review:
      break;
  }
  return {};
}

Status Player::operator()(const StartQuiz& move) {
  const Scope scope = plain(move.scope);
  const bool exists = scope.kind == Scope::Kind::review ||
                      (scope.kind == Scope::Kind::module && scope.module >= 0 && scope.module < n_modules) ||
                      (scope.kind == Scope::Kind::chapter && scope.path < content.paths.size() &&
                       scope.chapter < content.paths[scope.path].chapters.size()) ||
                      (scope.kind == Scope::Kind::idea && scope.idea < content.size());
  if (!exists) return against("there is no such chapter");
  if (scope.kind == Scope::Kind::idea && !state.knows(scope.idea))
    return against("this concept has not been found yet");
  if (scope.kind != Scope::Kind::review && !is_open(content, state, scope))
    return against("this check is not open yet", "Find half of the chapter's concepts first");
  auto questions = make_questions(content, state, scope, at);
  if (questions.empty()) return against("nothing is due for review", "Come back later, or take a chapter's check");
  ++state.tally.quizzes;
  events.emplace_back(event::QuizStarted{scope, static_cast<int>(questions.size())});
  state.quiz = Quiz{.scope = scope, .questions = std::move(questions)};
  return {};
}

Status Player::operator()(const Answer& move) {
  if (!state.quiz) return against("no question is waiting for an answer", "Start a check or a review");
  if (move.choice < 0 || move.choice >= n_choices)
    return against(fmt::format("there is no choice {}", move.choice), "Choose one of the four");
  Quiz& quiz = *state.quiz;
  const Question question = quiz.questions[quiz.index];
  const bool right = move.choice == question.correct;
  ++state.tally.answers;
  state.tally.right_answers += right;
  right ? state.tally.answer_streak.grow() : state.tally.answer_streak.end();
  quiz.right += right;
  if (quiz.scope.kind == Scope::Kind::review) {
    ++state.tally.reviews;
    if (right) state.points += scoring::review_right;
  }
  // Asked before it is due, a right answer proves nothing about tomorrow; a wrong one does.
  Review& review = state.found[state.place[question.idea]].review;
  if (!right || review.interval_days == 0 || at >= review.due)
    review = reviewed(review, right ? right_quality : wrong_quality, at);
  events.emplace_back(event::Answered{right, move.choice, question.correct, question.idea});
  if (++quiz.index == quiz.questions.size()) finish_quiz();
  return {};
}

void Player::finish_quiz() {
  const Quiz quiz = *std::exchange(state.quiz, std::nullopt);
  const int of = static_cast<int>(quiz.questions.size());
  event::QuizFinished told{.scope = quiz.scope, .right = quiz.right, .of = of, .passed = 5 * quiz.right >= 4 * of};
  if (quiz.scope.kind == Scope::Kind::module || quiz.scope.kind == Scope::Kind::chapter) {
    int& best = state.best_check[quiz.scope];
    best = std::max(best, quiz.right);
    if (told.passed && state.passed.insert(quiz.scope).second) told.points = scoring::chapter_passed;
    state.points += told.points;
    state.tally.quizzes_passed += told.passed;
  }
  events.emplace_back(told);
}

Status Player::operator()(const TakeChallenge& move) {
  SW_ASSIGN(const Challenge* challenge, open_challenge(content, state, move.idea));
  SW_TRY(check_prediction(*challenge, move.prediction));
  if (!std::isfinite(move.measured)) return against("what was measured is no number");
  event::Measured told{move.idea, move.prediction, move.measured, foretold(*challenge, move.prediction, move.measured),
                       0};
  const auto [taken, first] = state.challenges.try_emplace(move.idea, Taken{0, told.right, 0, at});
  taken->second = {move.prediction, taken->second.right, move.measured, at};
  if (first) told.points = told.right ? scoring::foretold : scoring::measured;
  state.points += told.points;
  events.emplace_back(told);
  return {};
}

Status Player::operator()(const Undo&) {
  if (state.history.empty() || !std::holds_alternative<Combine>(state.history.back().action))
    return against("there is nothing to take back", "Only the last combination can be undone");
  State before = new_game(content, state.seed);
  for (std::size_t i = 0; i + 1 < state.history.size(); ++i) {
    before.moves = state.numbers[i];
    if (auto again = apply(content, before, state.history[i]); !again) return std::unexpected(again.error());
  }
  event::Undone told;
  if (state.found.size() > before.found.size()) told.idea = state.found.back().idea;
  before.moves = state.moves;
  before.last_at = state.last_at;
  state = std::move(before);
  events.emplace_back(told);
  return {};
}

Status Player::operator()(const Adopt& move) {
  if (!state.history.empty()) return against("a share code can only begin a game", "Use it on a new game");
  SW_ASSIGN(const auto ideas, parse_share_code(content, move.code));
  event::Adopted told{.concepts = static_cast<int>(ideas.size())};
  for (const ConceptIndex idea : ideas) {
    const int points = scoring::discovery(content[idea]);
    discover(idea, {}, points);
    told.points += points;
  }
  events.emplace_back(told);
  return {};
}

/// What follows from any move: time played, levels, achievements.
void account(const Content& content, State& state, const Move& move, int points_before, Events& events) {
  if (state.history.empty()) {
    state.started_at = move.at;
    for (Found& found : state.found)
      if (found.at == 0) {
        found.at = move.at;
        found.review = first_review(move.at);
      }
  } else {
    const std::int64_t pause = move.at - state.history.back().at;
    if (pause <= longest_thought) state.tally.active_seconds += pause;
  }
  state.last_at = move.at;
  state.tally.days.insert(move.at / seconds_per_day);
  const int level = scoring::level_at(state.points).number;
  if (level > scoring::level_at(points_before).number) events.emplace_back(event::LevelUp{level});
  const bool discovered = std::ranges::any_of(events, [](const Event& event) {
    return std::holds_alternative<event::Discovered>(event) || std::holds_alternative<event::Adopted>(event);
  });
  for (std::size_t i = 0; i < content.achievements.size(); ++i) {
    if (!discovered && needs_discovery(content.achievements[i])) continue;
    if (state.achieved.contains(i) || !progress(content, state, content.achievements[i]).reached()) continue;
    state.achieved.emplace(i, move.at);
    events.emplace_back(event::Achieved{i});
  }
}

}  // namespace

std::vector<ConceptIndex> due(const State& state, std::int64_t now) {
  std::vector<const Found*> waiting;
  for (const Found& found : state.found)
    if (found.review.due > 0 && found.review.due <= now) waiting.push_back(&found);
  std::ranges::stable_sort(waiting, {}, [](const Found* found) { return found->review.due; });
  std::vector<ConceptIndex> out;
  for (const Found* found : waiting) out.push_back(found->idea);
  return out;
}

State new_game(const Content& content, std::uint64_t seed) {
  State state;
  state.seed = seed;
  state.place.assign(content.size(), -1);
  state.reachable_now.assign(content.size(), false);
  state.ways.assign(content.size(), 0);
  Player player{content, state, 0, {}};
  for (const ConceptIndex start : content.start) {
    player.discover(start, {}, 0);
    state.found.back().review = {};
  }
  return state;
}

Result<Events> apply(const Content& content, State& state, const Move& move) {
  if (move.at < state.last_at || move.at > latest || move.at < 0)
    return against(fmt::format("the time {} is not after that of the move before", move.at), {});
  const int points_before = state.points;
  Player player{content, state, move.at, {}};
  SW_TRY(std::visit(player, move.action));
  if (std::holds_alternative<Undo>(move.action)) {
    state.last_at = std::max(state.last_at, move.at);
  } else {
    account(content, state, move, points_before, player.events);
    state.history.push_back(move);
    state.numbers.push_back(state.moves);
  }
  ++state.moves;
  return std::move(player.events);
}

namespace {

/// Plays a log. Undone moves are taken out first, so that a long game with many undos is still played once. What the
/// rules do not allow goes to `refused` with its number; false ends the replay.
template <class Refused>
State play(const Content& content, const Record& record, const Refused& refused) {
  State state = new_game(content, record.seed);
  std::vector<std::uint32_t> numbers;
  std::int64_t last_at = 0;
  for (std::uint32_t n = 0; n < record.moves.size(); ++n) {
    const Move& move = record.moves[n];
    if (move.at < last_at) {
      if (!refused(n, Error{"the move is older than the one before it", {}, {}, {}})) return state;
      continue;
    }
    last_at = move.at;
    if (!std::holds_alternative<Undo>(move.action)) {
      numbers.push_back(n);
    } else if (!numbers.empty() && std::holds_alternative<Combine>(record.moves[numbers.back()].action)) {
      numbers.pop_back();
    } else if (!refused(n, Error{"there is nothing to take back", {}, {}, {}})) {
      return state;
    }
  }
  for (const std::uint32_t n : numbers) {
    state.moves = n;
    const auto events = apply(content, state, record.moves[n]);
    if (!events && !refused(n, events.error())) return state;
  }
  state.moves = static_cast<std::uint32_t>(record.moves.size());
  state.last_at = std::max(state.last_at, last_at);
  return state;
}

}  // namespace

Result<State> replay(const Content& content, const Record& record) {
  std::optional<Error> error;
  State state = play(content, record, [&](std::uint32_t number, Error why) {
    error = std::move(why);
    error->where = fmt::format("move {}", number);
    return false;
  });
  if (error) return std::unexpected(std::move(*error));
  return state;
}

State replay_what_holds(const Content& content, const Record& record, int& skipped) {
  skipped = 0;
  return play(content, record, [&](std::uint32_t, const Error&) {
    ++skipped;
    return true;
  });
}

}  // namespace sw::game
