#pragma once

#include <nlohmann/json_fwd.hpp>

#include "text/jinja_value.hpp"

namespace sw::jinja {

/// A JSON document as the value a template sees.
Value from_json(const nlohmann::ordered_json& json, Budget& budget);

}  // namespace sw::jinja
