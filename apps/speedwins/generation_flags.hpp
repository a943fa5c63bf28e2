#pragma once

#include <string>
#include <vector>

#include "commands.hpp"
#include "decode/session.hpp"

namespace sw {

/// -n, --temp, --top-k, … --stop: how tokens are chosen and when the text ends.
void add_generation_flags(CLI::App& command, GenerationOptions& options);

}  // namespace sw
