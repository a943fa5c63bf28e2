#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "game/ingredients.hpp"

namespace sw::game {

/// Puts two or three known concepts together. `prediction` is what the player says will come of it.
struct Combine {
  Ingredients ingredients;
  std::optional<ConceptIndex> prediction;
  bool operator==(const Combine&) const = default;
};

/// The next step of help towards `target`, or towards whatever is easiest now.
struct AskHint {
  std::optional<ConceptIndex> target;
  bool operator==(const AskHint&) const = default;
};

/// What checks are about: a module, a chapter of a learning path, one concept, or whatever is due for review.
struct Scope {
  enum class Kind { module, chapter, review, idea };
  Kind kind = Kind::review;
  int module = 0;           ///< of a module's check
  std::size_t path = 0;     ///< place in Content::paths, of a chapter's check
  std::size_t chapter = 0;  ///< place in LearningPath::chapters
  ConceptIndex idea = 0;    ///< of a concept's check
  auto operator<=>(const Scope&) const = default;
};

/// Five short questions.
struct StartQuiz {
  Scope scope;
  bool operator==(const StartQuiz&) const = default;
};

struct Answer {
  int choice = 0;  ///< 0 … 3
  bool operator==(const Answer&) const = default;
};

/// The concept's challenge was answered: what was predicted, and what was then measured. Who measures is no matter of
/// the rules, so that the same moves always lead to the same state.
struct TakeChallenge {
  ConceptIndex idea = 0;
  double prediction = 0;  ///< the place of a band, counted from 0, or a number where the challenge has no bands
  double measured = 0;
  bool operator==(const TakeChallenge&) const = default;
};

/// Takes back the last move, where that was a combination: what a hint or a check has shown cannot be unseen.
struct Undo {
  bool operator==(const Undo&) const = default;
};

/// Begins with what a share code says was found. Only as the first move.
struct Adopt {
  std::string code;
  bool operator==(const Adopt&) const = default;
};

using Action = std::variant<Combine, AskHint, StartQuiz, Answer, TakeChallenge, Undo, Adopt>;

struct Move {
  Action action;
  std::int64_t at = 0;  ///< Unix seconds
  bool operator==(const Move&) const = default;
};

/// A game is its seed and its moves; everything else follows (see replay()).
struct Record {
  std::uint64_t seed = 0;
  std::vector<Move> moves;
};

}  // namespace sw::game
