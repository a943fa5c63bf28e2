#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"
#include "formats/metadata.hpp"

namespace sw {

/// A config.json as flat keys: nested objects become dotted keys ("rope_scaling.factor"), nulls are left out, arrays
/// of numbers, booleans or strings are kept and other arrays left out. Arrays of numbers are always Floats.
Result<Metadata> flatten_config(const nlohmann::json& config);

}  // namespace sw
