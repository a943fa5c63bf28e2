#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace sw::test {

/// Whether an error message holds every one of `parts`.
inline testing::AssertionResult mentions(const std::string& message, std::initializer_list<std::string_view> parts) {
  for (const auto part : parts)
    if (message.find(part) == std::string::npos)
      return testing::AssertionFailure() << "\"" << message << "\" does not mention \"" << part << "\"";
  return testing::AssertionSuccess();
}

}  // namespace sw::test
