#pragma once

#include <string_view>

#include "game/content.hpp"

/// What is worth how much.
namespace sw::game::scoring {

constexpr int another_way = 2;
constexpr int misconception = 3;
constexpr int chapter_passed = 50;
constexpr int review_right = 2;
/// A challenge that was measured, and one whose outcome was foretold.
constexpr int measured = 10, foretold = 30;

constexpr int discovery(const Concept& idea) {
  return 10 * idea.difficulty;
}

/// A right prediction is worth more the more there were in a row, up to five.
constexpr int insight(int streak) {
  return 5 * (streak < 5 ? streak : 5);
}

constexpr int hint_steps = 4;
/// Of step 1 … 4. All four cost less than the discovery brings.
constexpr int hint(const Concept& idea, int step) {
  constexpr int share[hint_steps] = {1, 1, 2, 4};
  return share[step - 1] * idea.difficulty;
}

struct Level {
  int number = 1;
  std::string_view title;
  int points = 0;  ///< from which on
  int next = 0;    ///< points of the level after it; 0: there is none
};

constexpr int n_levels = 16;
Level level(int number);
/// The level that `points` earned have reached.
Level level_at(int points);

}  // namespace sw::game::scoring
