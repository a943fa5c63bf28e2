#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sw::jinja {

/// A place in a template; both numbers start at 1, columns count code points.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// What stops a compile or a render. Thrown inside the interpreter only: ChatTemplate returns it as an Error.
struct TemplateError {
  std::string what;
  std::string expected = {};
  std::string next = {};
  std::optional<Position> at = {};  ///< filled in by the interpreter where the thrower does not know it
};

}  // namespace sw::jinja
