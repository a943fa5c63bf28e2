#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "curriculum/lesson.hpp"
#include "game/content.hpp"

namespace sw::curriculum {

/// Questions about concepts. Every answer is a sentence or two of the content, so that it can be checked to the letter.
class Facts {
 public:
  /// `content` and `phrasings` must outlive it. Fails where a kind of question has no phrasings.
  static Result<Facts> create(const game::Content& content, const Phrasings& phrasings);

  static constexpr std::string_view kinds[] = {
      "what",   "why",    "cost",    "when_not", "explain",   "trade_off",
      "module", "recipe", "combine", "versus",   "follow_up", "module_content"};

  /// The next lesson of a kind: each kind goes round all its subjects before one comes again.
  Lesson next(std::string_view kind, Split split, Random& random);
  /// How many subjects a kind has: concepts, pairs or modules.
  std::size_t subjects(std::string_view kind, Split split) const;

 private:
  Facts(const game::Content& content, const Phrasings& phrasings);

  std::string ask(std::string_view kind, Split split, Random& random, std::string_view x,
                  std::string_view y = {}) const;
  std::string name(const game::Concept& idea, Random& random) const;
  std::string answer(std::string_view kind, const game::Concept& idea) const;
  Lesson follow_up(const game::Concept& idea, Split split, Random& random) const;
  std::size_t deal(std::string_view kind, Split split, Random& random);

  struct Pair {
    game::ConceptIndex x = 0, y = 0;
  };
  const game::Content& content_;
  const Phrasings& phrasings_;
  std::vector<Pair> compared_[2];                              ///< by Split
  std::vector<std::pair<Pair, game::ConceptIndex>> combined_;  ///< and what they make
  std::vector<std::pair<std::pair<std::string, Split>, Deck>> decks_;
};

}  // namespace sw::curriculum
