#pragma once

#include <string>

#include "game/sandbox.hpp"

namespace sw {

/// Asks a model in this program. It is loaded by the first question.
game::AskModel local_model(const std::string& model);

}  // namespace sw
