#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "server/http/router.hpp"

namespace sw {

/// Opens the game's database and returns what mounts /api/game on a router. `store` is an SQLite file or
/// "postgresql://…"; empty: the one of `speedwins game`, or memory where that cannot be opened, which is said on
/// standard error.
Result<std::function<void(http::Router&)>> open_game_server(const std::string& store);

}  // namespace sw
