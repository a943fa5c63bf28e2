#include "game/hints.hpp"

#include <fmt/core.h>

#include "game/graph.hpp"
#include "game/scoring.hpp"

namespace sw::game {

Hint hint_text(const Content& content, const State& state, const Help& help) {
  const Concept& idea = content[help.idea];
  const Recipe* recipe = usable_recipe(content, state, help.idea);
  Hint hint;
  hint.next_cost = help.step < scoring::hint_steps ? std::min(scoring::hint(idea, help.step + 1), state.score()) : 0;
  if (!recipe) return hint;
  const Ingredients& parts = recipe->ingredients;
  hint.ingredient_count = parts.size();
  // The ingredient that is part of the fewest recipes says most.
  const ConceptIndex telling =
      *std::ranges::min_element(parts, {}, [&](ConceptIndex part) { return content.uses[part].size(); });
  switch (help.step) {
    case 1:
      hint.text =
          fmt::format("Something in {} {}, difficulty {}, is within reach.", content.categories[idea.category].emoji,
                      content.categories[idea.category].name, idea.difficulty);
      break;
    case 2:
      hint.text = fmt::format("It improves: {}.", idea.improves);
      break;
    case 3:
      hint.ingredients = {telling};
      hint.text =
          fmt::format("One of its {} ingredients is {}.", parts.size() == 2 ? "two" : "three", content[telling].name);
      break;
    default:
      hint.ingredients.assign(parts.begin(), parts.end());
      for (const ConceptIndex part : parts) hint.text += (hint.text.empty() ? "Combine " : " + ") + content[part].name;
      hint.text += '.';
  }
  return hint;
}

}  // namespace sw::game
