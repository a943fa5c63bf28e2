#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sw::unicode {

/// One character of a text that may hold invalid UTF-8.
struct Character {
  char32_t code_point;  ///< U+FFFD where `valid` is false
  std::uint32_t size;   ///< bytes; 1 where `valid` is false
  bool valid;
};

/// decode() of a character that does not start with an ASCII byte.
Character decode_beyond_ascii(std::string_view text, std::size_t offset);

/// The character at `offset` < text.size(). Overlong forms, surrogates and values above U+10FFFF are invalid.
inline Character decode(std::string_view text, std::size_t offset) {
  const auto lead = static_cast<unsigned char>(text[offset]);
  return lead < 0x80 ? Character{lead, 1, true} : decode_beyond_ascii(text, offset);
}
void append_utf8(std::string& out, char32_t code_point);

/// Properties of a character, one bit each (Unicode general categories; `space` is the White_Space property).
enum Class : std::uint8_t { letter = 1, number = 2, space = 4, mark = 8, punctuation = 16, symbol = 32, other = 64 };
std::uint8_t classify(char32_t code_point);
inline bool is(char32_t code_point, int classes) {
  return (classify(code_point) & classes) != 0;
}
bool is_nonspacing_mark(char32_t code_point);
/// What regex engines call \w: alphabetic, marks, decimal digits, connector punctuation.
bool is_word(char32_t code_point);

std::string to_lower(std::string_view text);

enum class Form { nfc, nfd, nfkc, nfkd };
/// Unicode normalization; invalid bytes are kept where they are. O(n log n) on any input.
std::string normalize(std::string_view text, Form form);

/// A copy of the same length in which every invalid byte is U+001A, so that engines which demand UTF-8 can read it
/// and offsets stay true.
std::string mask_invalid(std::string_view text);
bool is_valid(std::string_view text);

/// Appends `bytes` to `out` with every maximal invalid subpart replaced by U+FFFD (Unicode 15, section 3.9).
/// Unless `at_end`, a character that may still be completed stays unread. Returns the number of bytes read.
std::size_t append_lossy(std::string_view bytes, bool at_end, std::string& out);

}  // namespace sw::unicode
