#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>
#include "base/error.hpp"
#include "text/jinja_interpreter.hpp"

namespace sw::jinja {

/// Parses a template; what parse() throws becomes an Error.
Result<Body> compile(std::string_view source);

/// Renders with explicit limits and clock; ChatTemplate uses the defaults and the system's local time.
Result<std::string> render(const Body& body, const nlohmann::ordered_json& context, const Limits& limits,
                           Interpreter::Clock clock);

}  // namespace sw::jinja
