#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace sw {

/// Parses a JSON document of at most 64 levels; `where` is its name in errors.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& where);

}  // namespace sw
