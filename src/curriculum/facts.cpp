#include "curriculum/facts.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/core.h>

namespace sw::curriculum {
namespace {

constexpr std::string_view asides[] = {"why", "cost", "when_not", "module"};  // what a conversation goes on with

/// The first recipe of two, which is the one that is taught. The others are left to the game.
const game::Recipe* taught(const game::Concept& idea) {
  const auto of_two = [](const game::Recipe& recipe) { return recipe.ingredients.size() == 2; };
  const auto it = std::ranges::find_if(idea.recipes, of_two);
  return it == idea.recipes.end() ? nullptr : &*it;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string first_sentence(const std::string& text) {
  for (std::size_t at = 0; (at = text.find_first_of(".!?", at)) != std::string::npos; ++at)
    if (at + 2 < text.size() && text[at + 1] == ' ' && std::isupper(static_cast<unsigned char>(text[at + 2])))
      return text.substr(0, at + 1);
  return text;
}

Facts::Facts(const game::Content& content, const Phrasings& phrasings) : content_(content), phrasings_(phrasings) {
  // One pair in ten is compared in the test only. A fixed seed: which ones must not depend on the corpus.
  Random random(7);
  for (std::size_t x = 0; x < content.size(); ++x)
    for (std::size_t y = x + 1; y < content.size(); ++y)
      if (content.concepts[x].category == content.concepts[y].category)
        compared_[random.chance(0.1)].push_back(
            {static_cast<game::ConceptIndex>(x), static_cast<game::ConceptIndex>(y)});
  for (std::size_t i = 0; i < content.size(); ++i)
    if (const game::Recipe* recipe = taught(content.concepts[i])) {
      const auto* parts = recipe->ingredients.begin();
      combined_.push_back({{parts[0], parts[1]}, static_cast<game::ConceptIndex>(i)});
    }
}

Result<Facts> Facts::create(const game::Content& content, const Phrasings& phrasings) {
  std::vector<std::string> needed{"follow_up.what"};
  for (const std::string_view kind : kinds)
    if (kind != "follow_up") needed.emplace_back(kind);
  for (const std::string_view kind : asides) needed.push_back("follow_up." + std::string(kind));
  for (const std::string& kind : needed)
    if (!phrasings.facts.contains(kind)) return fail("there is no [" + kind + "]", "phrasings.toml", "train and test");
  return Facts(content, phrasings);
}

std::size_t Facts::subjects(std::string_view kind, Split split) const {
  if (kind == "versus") return compared_[split == Split::test].size();
  if (kind == "combine") return combined_.size();
  if (kind == "module_content") return content_.modules.size();
  return content_.size();
}

std::size_t Facts::deal(std::string_view kind, Split split, Random& random) {
  const std::pair key(std::string(kind), split);
  auto it = std::ranges::find(decks_, key, &std::pair<std::pair<std::string, Split>, Deck>::first);
  if (it == decks_.end()) it = decks_.insert(decks_.end(), {key, Deck(subjects(kind, split))});
  return it->second.deal(random);
}

std::string Facts::ask(std::string_view kind, Split split, Random& random, std::string_view x,
                       std::string_view y) const {
  return put(random.pick(phrasings_.facts.find(kind)->second.of(split)), x, y);
}

std::string Facts::name(const game::Concept& idea, Random& random) const {
  return idea.aliases.empty() || random.chance(0.6) ? idea.name : random.pick(idea.aliases);
}

std::string Facts::answer(std::string_view kind, const game::Concept& idea) const {
  if (kind == "what") return first_sentence(idea.what);
  if (kind == "why") return idea.why;
  if (kind == "cost") return idea.cost;
  if (kind == "when_not") return idea.when_not;
  if (kind == "explain") return first_sentence(idea.what) + " " + idea.why;
  if (kind == "trade_off") return fmt::format("Gain: {} Cost: {}", idea.why, idea.cost);
  if (kind == "module") {
    const game::Module& module = content_.modules[static_cast<std::size_t>(idea.module)];
    return fmt::format("Module {}, {}.", module.id, lower(module.title));
  }
  const game::Recipe* recipe = taught(idea);  // "recipe"
  if (!recipe) return "You start with it.";
  const auto* parts = recipe->ingredients.begin();
  return fmt::format("Combine {} and {}.", content_[parts[0]].name, content_[parts[1]].name);
}

Lesson Facts::follow_up(const game::Concept& idea, Split split, Random& random) const {
  static constexpr std::string_view openings[] = {"what", "what", "explain", "why", "cost", "when_not"};
  const std::string_view opening = openings[random.below(std::size(openings))];
  std::vector<std::string> rest;
  for (const std::string_view kind : asides)
    if (kind != opening) rest.emplace_back(kind);
  random.shuffle(rest);
  rest.resize(static_cast<std::size_t>(random.between(1, static_cast<int>(rest.size()))));
  if (random.chance(0.1)) rest.emplace_back("what");
  Lesson lesson{"follow_up", 1, {{ask(opening, split, random, name(idea, random)), answer(opening, idea)}}};
  for (const std::string& kind : rest)
    lesson.turns.push_back({ask("follow_up." + kind, split, random, {}), answer(kind, idea)});
  return lesson;
}

Lesson Facts::next(std::string_view kind, Split split, Random& random) {
  Lesson lesson{std::string(kind), 1, {}};
  const std::size_t subject = deal(kind, split, random);
  if (kind == "module_content") {
    const game::Module& module = content_.modules[subject];
    lesson.turns.push_back({ask(kind, split, random, std::to_string(module.id)),
                            fmt::format("Module {} is {}. {}", module.id, lower(module.title), module.goal)});
    return lesson;
  }
  if (kind == "versus" || kind == "combine") {
    Pair pair = kind == "versus" ? compared_[split == Split::test][subject] : combined_[subject].first;
    if (random.chance(0.5)) std::swap(pair.x, pair.y);
    const game::Concept &x = content_[pair.x], &y = content_[pair.y];
    const std::string question = ask(kind, split, random, name(x, random), name(y, random));
    lesson.turns.push_back({question, kind == "versus"
                                          ? answer("what", x) + " " + answer("what", y)
                                          : fmt::format("That makes {}.", content_[combined_[subject].second].name)});
    return lesson;
  }
  const game::Concept& idea = content_.concepts[subject];
  if (kind == "follow_up") return follow_up(idea, split, random);
  lesson.turns.push_back({ask(kind, split, random, name(idea, random)), answer(kind, idea)});
  return lesson;
}

}  // namespace sw::curriculum
