#include "game/validate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace sw::game {
namespace {

class Validator {
 public:
  Validator(const Content& content, const Least& least) : content_(content), least_(least) {}

  std::vector<std::string> run() {
    check_names();
    check_recipes();
    check_reachable();
    check_difficulty();
    check_prerequisites();
    check_misconceptions();
    check_paths();
    check_amounts();
    return std::move(findings_);
  }

 private:
  const Content& content_;
  const Least& least_;
  std::vector<std::string> findings_;

  template <class... T>
  void wrong(fmt::format_string<T...> format, T&&... values) {
    findings_.push_back(fmt::format(format, std::forward<T>(values)...));
  }

  std::string spell(const Ingredients& ingredients) const {
    std::string out;
    for (const ConceptIndex part : ingredients) out += (out.empty() ? "" : " + ") + content_[part].id;
    return out;
  }

  /// What can be found when `without` never comes about.
  std::vector<bool> reachable(std::size_t without, std::size_t most_ingredients) const {
    std::vector<bool> found(content_.size());
    for (const ConceptIndex start : content_.start) found[start] = start != without;
    for (bool more = true; more;) {
      more = false;
      for (std::size_t i = 0; i < content_.size(); ++i) {
        if (found[i] || i == without) continue;
        found[i] = std::ranges::any_of(content_.concepts[i].recipes, [&](const Recipe& recipe) {
          return recipe.ingredients.size() <= most_ingredients && all_in(found, recipe.ingredients);
        });
        more = more || found[i];
      }
    }
    return found;
  }
  static bool all_in(const std::vector<bool>& found, const Ingredients& ingredients) {
    return std::ranges::all_of(ingredients, [&](ConceptIndex part) { return bool{found[part]}; });
  }

  void check_names();
  void check_recipes();
  void check_reachable();
  void check_difficulty();
  void check_prerequisites();
  void check_misconceptions();
  void check_paths();
  void check_amounts();
};

void Validator::check_names() {
  std::map<std::string, std::string> owner;
  const auto claim = [&](std::string name, const std::string& id) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto [at, fresh] = owner.emplace(name, id);
    if (!fresh && at->second != id) wrong("'{}' names both {} and {}", name, at->second, id);
  };
  for (const Concept& c : content_.concepts) {
    claim(c.name, c.id);
    for (const std::string& alias : c.aliases) claim(alias, c.id);
  }
}

void Validator::check_recipes() {
  std::map<std::uint64_t, const Concept*> made;
  for (std::size_t i = 0; i < content_.size(); ++i) {
    const Concept& c = content_.concepts[i];
    if (c.start != c.recipes.empty()) wrong("{}: {}", c.id, c.start ? "a start that has recipes" : "it has no recipe");
    if (c.summit != content_.uses[i].empty())
      wrong("{}: {}", c.id, c.summit ? "a summit that is used" : "an orphan: it is part of no recipe");
    for (const Recipe& recipe : c.recipes) {
      const Ingredients& of = recipe.ingredients;
      const auto [at, fresh] = made.emplace(of.key(), &c);
      if (!fresh) wrong("{} yields both {} and {}", spell(of), at->second->id, c.id);
      if (of.contains(static_cast<ConceptIndex>(i))) wrong("{}: {} contains it", c.id, spell(of));
      if (std::ranges::adjacent_find(of) != of.end()) wrong("{}: {} has a part twice", c.id, spell(of));
    }
  }
}

void Validator::check_reachable() {
  const auto by_pairs = reachable(content_.size(), 2);
  for (std::size_t i = 0; i < content_.size(); ++i) {
    const Concept& c = content_.concepts[i];
    if (!by_pairs[i]) wrong("{}: it cannot be reached by pairs", c.id);
    const auto without = reachable(i, Ingredients::most);
    for (const Recipe& recipe : c.recipes)
      if (!all_in(without, recipe.ingredients))
        wrong("{}: locked, {} needs {} itself", c.id, spell(recipe.ingredients), c.id);
    for (const ConceptIndex before : c.prerequisites)
      if (!without[before]) wrong("{}: its prerequisite {} needs it", c.id, content_[before].id);
  }
}

void Validator::check_difficulty() {
  double growth = 0;
  int pairs = 0;
  for (const Concept& c : content_.concepts) {
    bool fair = c.start;
    for (const Recipe& recipe : c.recipes) {
      int hardest_part = 0, sum = 0;
      for (const ConceptIndex part : recipe.ingredients) {
        hardest_part = std::max(hardest_part, content_[part].difficulty);
        sum += content_[part].difficulty;
      }
      if (c.difficulty < hardest_part - 1)
        wrong("{} ({}): {} is much harder ({})", c.id, c.difficulty, spell(recipe.ingredients), hardest_part);
      if (recipe.ingredients.size() != 2) continue;
      fair = fair || hardest_part <= c.difficulty;
      growth += c.difficulty - sum / 2.0;
      ++pairs;
    }
    if (!fair) wrong("{} ({}): each of its pairs has a harder part", c.id, c.difficulty);
  }
  if (pairs > 0 && growth <= 0) wrong("difficulty does not grow along recipes: {:.2f} per step", growth / pairs);
}

void Validator::check_prerequisites() {
  for (const Concept& c : content_.concepts) {
    if (c.prerequisites.empty() && !c.start) wrong("{}: it has no prerequisites", c.id);
    for (const ConceptIndex before : c.prerequisites)
      if (content_[before].difficulty > c.difficulty)
        wrong("{} ({}): its prerequisite {} is harder", c.id, c.difficulty, content_[before].id);
  }
  std::vector<bool> settled(content_.size());
  std::size_t left = content_.size();
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < content_.size(); ++i) {
      if (settled[i] || !std::ranges::all_of(content_.concepts[i].prerequisites,
                                             [&](ConceptIndex before) { return bool{settled[before]}; }))
        continue;
      settled[i] = more = true;
      --left;
    }
  }
  if (left > 0) wrong("the prerequisites of {} concepts form a cycle", left);
}

void Validator::check_misconceptions() {
  std::set<std::uint64_t> seen;
  for (const Misconception& m : content_.misconceptions) {
    if (!seen.insert(m.pair.key()).second) wrong("the misconception {} is there twice", spell(m.pair));
    if (content_.by_ingredients.contains(m.pair.key())) wrong("the misconception {} is a recipe", spell(m.pair));
  }
}

void Validator::check_paths() {
  for (const LearningPath& path : content_.paths) {
    std::map<ConceptIndex, std::size_t> place;
    std::size_t n = 0;
    for (const Chapter& chapter : path.chapters)
      for (const ConceptIndex idea : chapter.concepts)
        if (!place.emplace(idea, n++).second) wrong("path {}: {} is there twice", path.id, content_[idea].id);
    for (const auto& [idea, at] : place)
      for (const ConceptIndex before : content_[idea].prerequisites)
        if (const auto other = place.find(before); other != place.end() && other->second > at)
          wrong("path {}: {} comes after {}", path.id, content_[before].id, content_[idea].id);
  }
}

void Validator::check_amounts() {
  int pairs = 0;
  for (const Concept& c : content_.concepts)
    pairs += static_cast<int>(
        std::ranges::count_if(c.recipes, [](const Recipe& recipe) { return recipe.ingredients.size() == 2; }));
  const auto enough = [&](std::string_view what, std::size_t n, int least) {
    if (n < static_cast<std::size_t>(least)) wrong("{} {}, at least {} wanted", n, what, least);
  };
  enough("concepts", content_.size(), least_.concepts);
  enough("pairs", static_cast<std::size_t>(pairs), least_.pairs);
  enough("misconceptions", content_.misconceptions.size(), least_.misconceptions);
  for (const Module& module : content_.modules) {
    const auto n = std::ranges::count_if(
        content_.concepts, [&](const Concept& c) { return c.challenge.has_value() && c.module == module.id; });
    enough(fmt::format("challenges in module {}", module.id), static_cast<std::size_t>(n), least_.challenges);
  }
}

}  // namespace

std::vector<std::string> validate(const Content& content, const Least& least) {
  return Validator(content, least).run();
}

}  // namespace sw::game
