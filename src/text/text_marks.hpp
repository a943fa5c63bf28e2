#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sw {

/// Places in a text, kept while something rewrites it: a mark, which is a noncharacter of Unicode (U+FDD0…U+FDEF),
/// stands before each of them meanwhile.
struct TextMarks {
  std::string text;
  std::vector<std::size_t> places;  ///< ascending

  /// A mark that is in none of `texts`, neither as it is nor as escaped in JSON; nothing where all of them are used.
  static std::optional<std::string> unused_in(std::span<const std::string_view> texts);
  static std::optional<std::string> unused_in(std::initializer_list<std::string_view> texts) {
    return unused_in(std::span(texts.begin(), texts.size()));
  }
  static std::string put_in(std::string_view text, std::span<const std::size_t> places, std::string_view mark);
  /// The text without marks, those that were escaped on the way included.
  static TextMarks take_out(std::string_view text, std::string_view mark);
};

}  // namespace sw
