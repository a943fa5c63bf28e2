#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Python's str on UTF-8: what its methods call a character, whitespace, a line, upper case and a printable character.
namespace sw::jinja {

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

/// The code point at byte `at` (< text.size()). A byte that is not part of valid UTF-8 is a code point of its own,
/// U+DC80..U+DCFF, which append_utf8 turns back into that byte (PEP 383).
CodePoint decode_at(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t code_point);
bool is_valid_utf8(std::string_view text);

std::size_t count_code_points(std::string_view text);
/// Byte offset of every code point, and text.size() at the end.
std::vector<std::size_t> code_point_offsets(std::string_view text);

bool is_space(char32_t c);      ///< str.isspace
bool is_printable(char32_t c);  ///< str.isprintable
bool is_alphabetic(char32_t c);
bool is_decimal(char32_t c);
bool is_numeric(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string swap_case(std::string_view text);
std::string title_case(std::string_view text);  ///< str.title: every run of letters starts in upper case

/// Without the leading and/or trailing characters in `chars`, whitespace when there is no `chars`.
std::string_view strip(std::string_view text, std::optional<std::string_view> chars, bool left, bool right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

std::string repr(std::string_view text);  ///< a Python string literal
std::string repr(double value);           ///< shortest text that reads back as `value`
std::string escape_html(std::string_view text);

}  // namespace sw::jinja
