#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "game/content.hpp"
#include "game/moves.hpp"

/// What a move brought about, in the order in which it is told.
namespace sw::game::event {

struct Discovered {
  ConceptIndex idea = 0;
  Ingredients from;
  int points = 0;
};
/// A recipe that was new, of a concept that was not.
struct AnotherWay {
  ConceptIndex idea = 0;
  Ingredients from;
  int points = 0;
};
struct Known {
  ConceptIndex idea = 0;
  Ingredients from;
};
struct Misconceived {
  std::size_t misconception = 0;  ///< place in Content::misconceptions
  int points = 0;                 ///< only the first time
};
struct Nothing {
  Ingredients from;
  /// For each ingredient, how many undiscovered concepts can be made from it now.
  std::vector<std::pair<ConceptIndex, int>> open;
  bool too_many = false;  ///< two of the three would yield something new
  bool too_few = false;   ///< with a third concept they would yield something new
};
struct Predicted {
  bool right = false;
  ConceptIndex idea = 0;  ///< what was predicted
  int streak = 0, points = 0;
};
struct Hinted {
  ConceptIndex idea = 0;
  int step = 0, cost = 0;
};
struct QuizStarted {
  Scope scope;
  int questions = 0;
};
struct Answered {
  bool right = false;
  int choice = 0, correct = 0;
  ConceptIndex idea = 0;
};
struct QuizFinished {
  Scope scope;
  int right = 0, of = 0;
  bool passed = false;
  int points = 0;
};
struct Measured {
  ConceptIndex idea = 0;
  double prediction = 0, measured = 0;
  bool right = false;
  int points = 0;  ///< only the first time
};
struct Adopted {
  int concepts = 0, points = 0;
};
struct Undone {
  std::optional<ConceptIndex> idea;  ///< the discovery that was taken back
};
struct ChapterComplete {
  int module = 0;
};
struct LevelUp {
  int level = 0;
};
struct Achieved {
  std::size_t achievement = 0;  ///< place in Content::achievements
};
/// Everything was discovered.
struct Complete {};

}  // namespace sw::game::event

namespace sw::game {

using Event = std::variant<event::Discovered, event::AnotherWay, event::Known, event::Misconceived, event::Nothing,
                           event::Predicted, event::Hinted, event::QuizStarted, event::Answered, event::QuizFinished,
                           event::Measured, event::Adopted, event::Undone, event::ChapterComplete, event::LevelUp,
                           event::Achieved, event::Complete>;
using Events = std::vector<Event>;

}  // namespace sw::game
