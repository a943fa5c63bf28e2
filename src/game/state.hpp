#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "game/content.hpp"
#include "game/moves.hpp"
#include "game/review.hpp"

namespace sw::game {

/// A discovery.
struct Found {
  ConceptIndex idea = 0;
  std::int64_t at = 0;
  std::uint32_t move = 0;  ///< the number of the move that made it
  Ingredients from;        ///< empty: known from the start, or adopted
  int points = 0;
  Review review;
};

enum class QuestionKind { improves, costs, why, generalizes, bottleneck };
constexpr int n_question_kinds = 5;
constexpr int n_choices = 4;

/// "What does `idea` improve?": each choice is the matching field of a concept, one of them that of `idea`.
struct Question {
  QuestionKind kind = QuestionKind::improves;
  ConceptIndex idea = 0;
  std::array<ConceptIndex, n_choices> choices{};
  int correct = 0;
};

struct Quiz {
  Scope scope;
  std::vector<Question> questions;
  std::size_t index = 0;  ///< of the question that waits for its answer
  int right = 0;
};

/// How far the help towards one concept has gone.
struct Help {
  ConceptIndex idea = 0;
  int step = 0;  ///< 1 … 4
};

/// A challenge that was taken.
struct Taken {
  double prediction = 0;
  bool right = false;   ///< the first time: afterwards the outcome was known
  double measured = 0;  ///< the last time
  std::int64_t at = 0;
};

/// How many in a row now, and at most.
struct Streak {
  int now = 0, best = 0;
  void grow() { best = std::max(best, ++now); }
  void end() { now = 0; }
};

struct Tally {
  int attempts = 0;  ///< combinations, whatever came of them
  int predictions = 0, right_predictions = 0;
  Streak prediction_streak, discovery_streak, unaided_streak, answer_streak;
  int hints = 0;
  int answers = 0, right_answers = 0, reviews = 0;
  int quizzes = 0, quizzes_passed = 0;
  std::int64_t active_seconds = 0;  ///< pauses of more than five minutes left out
  std::set<std::int64_t> days;      ///< days since 1970 on which a move was made
};

/// A game at one moment. Follows from the seed and `history` alone.
struct State {
  std::uint64_t seed = 0;
  std::uint32_t moves = 0;             ///< all moves made, undone ones and undos too
  std::vector<Move> history;           ///< those that count
  std::vector<std::uint32_t> numbers;  ///< the number of each move in `history`

  std::vector<Found> found;                      ///< in order
  std::vector<std::int32_t> place;               ///< concept → place in `found`, −1: not yet
  std::vector<bool> reachable_now;               ///< concept → not found, and a recipe's ingredients all are
  int makeable = 0;                              ///< how many are
  std::set<std::uint64_t> recipes;               ///< Ingredients::key of each recipe tried
  std::vector<std::uint16_t> ways;               ///< concept → how many of its recipes were tried
  std::set<std::size_t> misconceptions;          ///< places in Content::misconceptions
  std::map<std::size_t, std::int64_t> achieved;  ///< place in Content::achievements → when
  std::map<ConceptIndex, Taken> challenges;
  std::map<ConceptIndex, int> help;    ///< concept → steps of help taken
  std::optional<ConceptIndex> helped;  ///< by the last hint, until it is found
  std::optional<Quiz> quiz;
  std::map<Scope, int> best_check;  ///< the most right answers; a passed check is in `passed`
  std::set<Scope> passed;
  int points = 0;  ///< earned
  int spent = 0;   ///< on hints
  std::int64_t started_at = 0, last_at = 0;
  Tally tally;

  bool knows(ConceptIndex idea) const { return place[idea] >= 0; }
  bool knows_all(const Ingredients& ingredients) const {
    return std::ranges::all_of(ingredients, [&](ConceptIndex idea) { return knows(idea); });
  }
  const Found* find(ConceptIndex idea) const { return knows(idea) ? &found[place[idea]] : nullptr; }
  int score() const { return points - spent; }
  bool complete() const { return found.size() == place.size(); }
};

/// The concepts whose review is due, the longest due first.
std::vector<ConceptIndex> due(const State& state, std::int64_t now);

}  // namespace sw::game
