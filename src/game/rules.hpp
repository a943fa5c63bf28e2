#pragma once

#include "game/content.hpp"
#include "game/events.hpp"
#include "game/moves.hpp"
#include "game/state.hpp"

namespace sw::game {

/// The start: only the starting concepts are known.
State new_game(const Content& content, std::uint64_t seed);

/// Plays one move: `state` becomes the one after it, and what happened is returned. Depends on nothing else, not even a
/// clock. A move against the rules is an Error that says why, and leaves `state` as it was.
Result<Events> apply(const Content& content, State& state, const Move& move);

/// The state that a game's moves lead to, with the undone ones taken out first. An Error says which move breaks the
/// rules.
Result<State> replay(const Content& content, const Record& record);

/// The same, but moves that the rules do not allow are passed over and counted in `skipped`: for games that were begun
/// with other content.
State replay_what_holds(const Content& content, const Record& record, int& skipped);

}  // namespace sw::game
