#pragma once

#include <string>
#include <string_view>

namespace sw {

/// SentencePiece's "▁" for a space, and back.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";

inline std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t i = text.find(pattern); i != std::string_view::npos; i = text.find(pattern, begin)) {
    out += text.substr(begin, i - begin);
    out += content;
    begin = i + pattern.size();
  }
  out += text.substr(begin);
  return out;
}
inline std::string mark_spaces(std::string_view text) {
  return replace_all(text, " ", space_mark);
}
inline std::string unmark_spaces(std::string_view text) {
  return replace_all(text, space_mark, " ");
}

}  // namespace sw
