#pragma once

#include <cstdint>
#include <optional>

#include "decode/byte_expression.hpp"

namespace sw {

/// The integers from `low` to `high` in decimal, as JSON writes them; without a bound up to 16 digits.
Expression integer_range(std::optional<std::int64_t> low, std::optional<std::int64_t> high);

}  // namespace sw
