#pragma once

#include <string>

#include "base/error.hpp"
#include "commands.hpp"
#include "game/content.hpp"
#include "game_text.hpp"

namespace sw {

/// How fast players without a person discover the content: medians over several seeds, as curves and as numbers.
Report plot_policies(const game::Content& content, const TextStyle& style, int attempts, int seeds);

}  // namespace sw
