#pragma once

#include <optional>
#include <span>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

/// A combination that would discover something.
struct Makeable {
  ConceptIndex idea = 0;
  const Recipe* recipe = nullptr;
};

/// Every undiscovered concept whose ingredients are known, with its first such recipe, the easiest first.
std::vector<Makeable> makeable(const Content& content, const State& state);

/// A recipe of `idea` whose ingredients are all known; none: nullptr.
const Recipe* usable_recipe(const Content& content, const State& state, ConceptIndex idea);

/// How many concepts lie behind each other on the easiest way to each concept from those `known`: 0 for known ones,
/// -1 where there is no way.
struct Derivation {
  std::vector<double> cost;       ///< of the tree of discoveries, each counted by its difficulty; ∞: no way
  std::vector<const Recipe*> by;  ///< nullptr: known, or no way
};

/// The cheapest way to everything, by Knuth's generalization of Dijkstra's algorithm (1977, Inf. Proc. Letters 6:1).
/// A concept needed twice is counted twice: finding the true least number of steps is NP-hard.
Derivation derive(const Content& content, const std::vector<bool>& known);

/// What is left to discover on a short way to `target`, in an order in which it can be done, `target` last. Empty where
/// it is known or there is no way.
std::vector<ConceptIndex> way_to(const Content& content, const State& state, ConceptIndex target);

}  // namespace sw::game
