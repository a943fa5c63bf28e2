#pragma once

#include <string_view>

#include "formats/metadata.hpp"

namespace sw {

/// A config.json as flat keys: nested objects become dotted keys ("rope_scaling.factor"), nulls are left out, arrays
/// of numbers, booleans or strings are kept and other arrays left out. Arrays of numbers are always Floats.
Result<Metadata> flatten_config(std::string_view json);

}  // namespace sw
