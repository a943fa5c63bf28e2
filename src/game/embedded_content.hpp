#pragma once

#include <span>

#include "game/content.hpp"

namespace sw::game {

/// The files of `content/` as they were when the program was built.
std::span<const ContentFile> embedded_content();

}  // namespace sw::game
