#include "model/families/keys.hpp"

#include <cmath>

#include <fmt/core.h>

namespace sw {

Result<int> Keys::size(std::string_view key, std::int64_t max) const {
  SW_ASSIGN(const std::int64_t value, metadata_.integer(name(key)));
  if (value < 1 || value > max)
    return fail(fmt::format("metadata key '{}' is {}", name(key), value), {}, fmt::format("1 to {}", max));
  return static_cast<int>(value);
}

Result<int> Keys::size_or(std::string_view key, int fallback, std::int64_t max) const {
  return metadata_.find(name(key)) ? size(key, max) : Result<int>(fallback);
}

Result<float> Keys::positive(std::string_view key) const {
  SW_ASSIGN(const double value, metadata_.number(name(key)));
  const float rounded = static_cast<float>(value);
  if (!std::isfinite(rounded) || rounded <= 0)
    return fail(fmt::format("metadata key '{}' is {}", name(key), value), {}, "a finite number above 0");
  return rounded;
}

Result<float> Keys::positive_or(std::string_view key, float fallback) const {
  return metadata_.find(name(key)) ? positive(key) : Result<float>(fallback);
}

}  // namespace sw
