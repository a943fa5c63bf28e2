#pragma once

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

/// How far a game is towards an achievement, and where it is reached.
struct Progress {
  int now = 0, of = 0;
  bool reached() const { return of > 0 && now >= of; }
};

Progress progress(const Content& content, const State& state, const Achievement& achievement);

/// Whether only a discovery can bring it closer.
constexpr bool needs_discovery(const Achievement& achievement) {
  return achievement.kind <= Statistic::all_of;
}

}  // namespace sw::game
