#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sw {

/// A GGUF file inside the program.
struct EmbeddedModel {
  std::string_view name;
  std::span<const std::byte> bytes;
};

/// demo, and the smaller models that it taught.
std::span<const EmbeddedModel> embedded_models();

}  // namespace sw
