#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tasks/task.hpp"

namespace sw {

/// Whether `reply` answers the item, by its kind's rule (content/tasks/README.md).
bool is_right(const TaskItem& item, std::string_view reply);

/// A short answer without what does not matter: the first line that says something, in lower case, without an
/// introduction ("Answer:"), an article, or punctuation around words.
std::string normalized(std::string_view reply);

/// The last number in the text: "1,234.5 kg" is 1234.5.
std::optional<double> last_number(std::string_view text);

/// Whether every constraint holds of `reply`.
bool satisfies(const Constraints& constraints, std::string_view reply);

}  // namespace sw
