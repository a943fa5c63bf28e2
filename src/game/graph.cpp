#include "game/graph.hpp"

#include <limits>
#include <queue>

namespace sw::game {

const Recipe* usable_recipe(const Content& content, const State& state, ConceptIndex idea) {
  for (const Recipe& recipe : content[idea].recipes)
    if (state.knows_all(recipe.ingredients)) return &recipe;
  return nullptr;
}

std::vector<Makeable> makeable(const Content& content, const State& state) {
  std::vector<Makeable> out;
  for (std::size_t i = 0; i < content.size(); ++i)
    if (state.reachable_now[i]) {
      const auto idea = static_cast<ConceptIndex>(i);
      out.push_back({idea, usable_recipe(content, state, idea)});
    }
  std::ranges::sort(out, {}, [&](const Makeable& m) {
    return std::tuple(content[m.idea].difficulty, content[m.idea].module, m.idea);
  });
  return out;
}

Derivation derive(const Content& content, const std::vector<bool>& known) {
  constexpr double never = std::numeric_limits<double>::infinity();
  Derivation out{std::vector(content.size(), never), std::vector<const Recipe*>(content.size())};
  std::vector<std::vector<std::uint8_t>> missing(content.size());  // per recipe, how many ingredients are not settled
  std::vector<bool> settled(content.size());
  using Entry = std::pair<double, ConceptIndex>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (const Recipe& recipe : content.concepts[i].recipes) {
      const Ingredients& parts = recipe.ingredients;
      std::uint8_t distinct = 0;
      for (const ConceptIndex* part = parts.begin(); part != parts.end(); ++part)
        if (part == parts.begin() || *part != part[-1]) ++distinct;
      missing[i].push_back(distinct);
    }
    if (known[i]) queue.emplace(out.cost[i] = 0, static_cast<ConceptIndex>(i));
  }
  while (!queue.empty()) {
    const auto [cost, idea] = queue.top();
    queue.pop();
    if (settled[idea]) continue;
    settled[idea] = true;
    for (const RecipeRef ref : content.uses[idea]) {
      if (--missing[ref.result][ref.recipe] > 0 || settled[ref.result]) continue;
      const Recipe& recipe = content.recipe(ref);
      double sum = content[ref.result].difficulty;
      for (const ConceptIndex part : recipe.ingredients) sum += out.cost[part];
      if (sum >= out.cost[ref.result]) continue;
      out.cost[ref.result] = sum;
      out.by[ref.result] = &recipe;
      queue.emplace(sum, ref.result);
    }
  }
  return out;
}

std::vector<ConceptIndex> way_to(const Content& content, const State& state, ConceptIndex target) {
  std::vector<bool> known(content.size());
  for (const Found& found : state.found) known[found.idea] = true;
  const Derivation derivation = derive(content, known);
  std::vector<ConceptIndex> out;
  if (!derivation.by[target]) return out;
  // Depth first: what a recipe needs comes before it. The derivation has no cycle, because costs fall along it.
  std::vector<ConceptIndex> stack{target};
  while (!stack.empty()) {
    const ConceptIndex idea = stack.back();
    bool ready = true;
    if (!known[idea])
      for (const ConceptIndex part : derivation.by[idea]->ingredients)
        if (!known[part]) {
          stack.push_back(part);
          ready = false;
        }
    if (!ready) continue;
    stack.pop_back();
    if (!known[idea]) out.push_back(idea);
    known[idea] = true;
  }
  return out;
}

}  // namespace sw::game
