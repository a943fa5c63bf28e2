#pragma once

#include <array>
#include <string>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

struct Share {
  std::string id, name;
  int found = 0, total = 0;
};

struct Timepoint {
  std::int64_t at = 0;
  std::uint32_t move = 0;
  ConceptIndex idea = 0;
  int found = 0, points = 0;  ///< so far
};

/// What a player may want to know about a game.
struct Statistics {
  std::vector<Share> by_category, by_module, by_difficulty;
  int discoveries = 0;  ///< without the start
  int ways = 0, total_ways = 0;
  std::array<int, 4> by_mastery{};  ///< by Mastery
  int due = 0;
  std::vector<Timepoint> timeline;
};

Statistics statistics(const Content& content, const State& state, std::int64_t now);

/// What of it was found, of a learning path.
struct PathProgress {
  int found = 0, total = 0, passed = 0;  ///< concepts, concepts, chapters
  std::optional<ConceptIndex> next;      ///< the first that is missing
};
PathProgress progress_of(const Content& content, const State& state, std::size_t path);

}  // namespace sw::game
