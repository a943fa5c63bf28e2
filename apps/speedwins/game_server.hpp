#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "server/ask.hpp"
#include "server/http/router.hpp"

namespace sw {

struct GameServerOptions {
  bool sandbox = false;      ///< the served model may be asked what combinations that yield nothing could become
  bool experiments = false;  ///< players may have this machine measure what challenges ask
};

/// Opens the game's database and returns what mounts /api/game on a router. `store` is an SQLite file or
/// "postgresql://…"; empty: the one of `speedwins game`, or memory where that cannot be opened, which is said on
/// standard error.
Result<std::function<void(http::Router&, const Ask&)>> open_game_server(const std::string& store,
                                                                        const GameServerOptions& options);

}  // namespace sw
