#include "formats/utf8.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace sw {
namespace {

constexpr std::size_t longest_shown = 80;

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// Bytes of the well-formed character that starts `text`; 0 when there is none.
std::size_t character_length(std::string_view text) {
  const unsigned char lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  // Only the second byte's range depends on the lead byte.
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  std::string shown = "'";
  const std::size_t stop = text.size() > longest_shown ? text.size() - longest_shown : 0;
  while (text.size() > stop) {
    const std::size_t length = character_length(text);
    const bool control = byte_at(text, 0) < 0x20 || byte_at(text, 0) == 0x7f;
    if (length == 0 || control)
      shown += fmt::format("\\x{:02x}", byte_at(text, 0));
    else
      shown += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown + (text.empty() ? "'" : "…'");
}

}  // namespace sw
