#pragma once

#include <cstddef>
#include <span>

namespace sw {

/// The GGUF file of the model that comes with the program.
std::span<const std::byte> embedded_demo();

}  // namespace sw
