#include "game/policies.hpp"

#include <optional>
#include <unordered_set>

#include "game/graph.hpp"
#include "game/random.hpp"

namespace sw::game {
namespace {

/// Pairs that are tried in vain before the policy looks through all that is left.
constexpr int patience = 200;

class Player {
 public:
  Player(const Content& content, Policy policy, std::uint64_t seed)
      : content_(content), policy_(policy), random_(seed), state_(new_game(content, seed)) {}

  Curve play(int attempts) {
    Curve curve;
    curve.found.push_back(static_cast<int>(state_.found.size()));
    for (int i = 0; i < attempts && !state_.complete(); ++i) {
      const auto next = choose();
      if (!next || !apply(content_, state_, {Combine{*next, {}}, ++now_})) break;
      curve.found.push_back(static_cast<int>(state_.found.size()));
    }
    curve.end = std::move(state_);
    return curve;
  }

 private:
  const Content& content_;
  const Policy policy_;
  Random random_;
  State state_;
  std::int64_t now_ = 0;
  std::unordered_set<std::uint64_t> tried_;

  std::optional<Ingredients> choose() {
    switch (policy_) {
      case Policy::expert: {
        const auto possible = makeable(content_, state_);
        return possible.empty() ? std::nullopt : std::optional(possible.front().recipe->ingredients);
      }
      case Policy::hints:
        return by_hints();
      case Policy::random:
      case Policy::attentive:
        break;
    }
    for (int i = 0; i < patience; ++i)
      if (const Ingredients pair = any_pair(); pair.size() == 2 && fresh(pair)) return pair;
    for (const Found& a : state_.found)
      for (const Found& b : state_.found)
        if (a.idea < b.idea && fresh({a.idea, b.idea})) return Ingredients(a.idea, b.idea);
    return std::nullopt;
  }

  bool fresh(const Ingredients& pair) { return tried_.insert(pair.key()).second; }

  /// What a combination in vain tells a player.
  bool has_open_end(ConceptIndex idea) const {
    return std::ranges::any_of(content_.uses[idea], [&](RecipeRef ref) {
      return !state_.knows(ref.result) && state_.knows_all(content_.recipe(ref).ingredients);
    });
  }

  Ingredients any_pair() {
    const auto any = [&] { return state_.found[random_.below(state_.found.size())].idea; };
    const ConceptIndex a = any(), b = any();
    if (a == b || (policy_ == Policy::attentive && !(has_open_end(a) && has_open_end(b)))) return {};
    return {a, b};
  }

  std::optional<Ingredients> by_hints() {
    while (true) {
      const auto events = apply(content_, state_, {AskHint{}, ++now_});
      if (!events) return std::nullopt;
      const auto hinted = std::get<event::Hinted>(events->front());
      if (hinted.step < 4) continue;
      const Recipe* recipe = usable_recipe(content_, state_, hinted.idea);
      return recipe ? std::optional(recipe->ingredients) : std::nullopt;
    }
  }
};

}  // namespace

Curve play_policy(const Content& content, Policy policy, std::uint64_t seed, int attempts) {
  return Player(content, policy, seed).play(attempts);
}

}  // namespace sw::game
