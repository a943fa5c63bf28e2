#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "game/content.hpp"

namespace sw::game {

/// How well letters typed in a hurry fit a text.
struct Match {
  int score = 0;                                            ///< the higher the better
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  ///< of bytes of the text that matched: begin, end
};

/// Whether all letters of `typed` appear in `text` in this order, without regard to case; spaces and hyphens need not.
/// Best are beginnings of words and letters that stand together. An empty `typed` fits everything with score 0.
bool fuzzy_match(std::string_view typed, std::string_view text, Match& match);

struct SearchHit {
  ConceptIndex idea = 0;
  int score = 0;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  ///< of the name; empty where an alias or the id matched
};

/// The concepts among `candidates` whose name, alias or id fits, the best first.
std::vector<SearchHit> search(const Content& content, std::string_view typed,
                              const std::vector<ConceptIndex>& candidates);

/// The concept with exactly this id, name or alias, without regard to case, spaces and hyphens.
std::optional<ConceptIndex> find_by_name(const Content& content, std::string_view name);

}  // namespace sw::game
