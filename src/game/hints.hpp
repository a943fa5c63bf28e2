#pragma once

#include <string>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

/// What help has shown so far.
struct Hint {
  std::string text;
  std::vector<ConceptIndex> ingredients;  ///< those that are shown: none, one, or all
  std::size_t ingredient_count = 2;
  int next_cost = 0;  ///< 0: nothing is left to show
};

/// Step 1 tells the category, 2 what it improves, 3 one ingredient, 4 all of them.
Hint hint_text(const Content& content, const State& state, const Help& help);

}  // namespace sw::game
