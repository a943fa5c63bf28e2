#pragma once

#include <string>

#include "base/error.hpp"

namespace sw {

/// Where games are kept unless something else is said: $XDG_DATA_HOME/speedwins/game.db, in ~/.local/share by default.
/// Makes the folder.
Result<std::string> default_game_store();

}  // namespace sw
