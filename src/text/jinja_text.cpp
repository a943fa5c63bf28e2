#include "text/jinja_text.hpp"

#include <utf8proc.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sw::jinja {
namespace {

constexpr char32_t kEscapedByte = 0xDC00;  // PEP 383: byte b ≥ 0x80 stands as U+DC00 + b

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool is_cased(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL || kind == UTF8PROC_CATEGORY_LT;
}

void append_upper(std::string& out, char32_t c) {
  if (c == U'ß') {
    out += "SS";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_title(std::string& out, char32_t c) {
  if (c == U'ß') {
    out += "Ss";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

/// The lower case of the code point at byte `at`, which decides between σ and the word-final ς.
void append_lower(std::string& out, std::string_view text, std::size_t at, CodePoint c, bool after_letter) {
  if (c.value == U'Σ') {
    const std::size_t next = at + c.bytes;
    const bool before_letter = next < text.size() && is_cased(decode_at(text, next).value);
    append_utf8(out, after_letter && !before_letter ? U'ς' : U'σ');
  } else if (c.value == U'İ') {
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.value))));
  }
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

void append_hex(std::string& out, char32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
}

}  // namespace

CodePoint decode_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  utf8proc_int32_t value = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                      static_cast<utf8proc_ssize_t>(text.size() - at), &value);
  if (bytes <= 0) return {kEscapedByte + first, 1};
  return {static_cast<char32_t>(value), static_cast<std::size_t>(bytes)};
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c >= kEscapedByte + 0x80 && c <= kEscapedByte + 0xFF) {
    out += static_cast<char>(c - kEscapedByte);
  } else {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
    out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(n));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (c.value >= kEscapedByte && c.value <= kEscapedByte + 0xFF) return false;
    at += c.bytes;
  }
  return true;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); at += decode_at(text, at).bytes) ++n;
  return n;
}

std::vector<std::size_t> code_point_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  offsets.reserve(text.size() + 1);
  for (std::size_t at = 0; at < text.size(); at += decode_at(text, at).bytes) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return c == U' ';
    default:
      return true;
  }
}

bool is_alphabetic(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_numeric(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO;
}

bool is_upper(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU;
}
bool is_lower(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL;
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    append_upper(out, c.value);
    at += c.bytes;
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool after_letter = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    append_lower(out, text, at, c, after_letter);
    after_letter = is_cased(c.value);
    at += c.bytes;
  }
  return out;
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const CodePoint first = decode_at(text, 0);
  std::string out;
  append_title(out, first.value);
  return out + to_lower(text.substr(first.bytes));
}

std::string swap_case(std::string_view text) {
  std::string out;
  bool after_letter = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (is_upper(c.value)) {
      append_lower(out, text, at, c, after_letter);
    } else {
      append_upper(out, c.value);
    }
    after_letter = is_cased(c.value);
    at += c.bytes;
  }
  return out;
}

std::string title_case(std::string_view text) {
  std::string out;
  bool after_letter = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (after_letter) {
      append_lower(out, text, at, c, true);
    } else {
      append_title(out, c.value);
    }
    after_letter = is_cased(c.value);
    at += c.bytes;
  }
  return out;
}

std::string_view strip(std::string_view text, std::optional<std::string_view> chars, bool left, bool right) {
  std::u32string set;
  if (chars) {
    for (std::size_t at = 0; at < chars->size();) {
      const CodePoint c = decode_at(*chars, at);
      set += c.value;
      at += c.bytes;
    }
  }
  const auto stripped = [&](char32_t c) { return chars ? set.find(c) != set.npos : is_space(c); };
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    const CodePoint c = decode_at(text, begin);
    if (!stripped(c.value)) break;
    begin += c.bytes;
  }
  std::size_t end = text.size();
  while (right && end > begin) {
    // The last code point starts at most three continuation bytes back; an invalid byte stands alone.
    std::size_t start = end - 1;
    for (int back = 0; back < 3 && start > begin && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80; ++back) {
      --start;
    }
    CodePoint c = decode_at(text.substr(0, end), start);
    if (start + c.bytes != end) c = {kEscapedByte + static_cast<unsigned char>(text[end - 1]), 1};
    if (!stripped(c.value)) break;
    end -= c.bytes;
  }
  return text.substr(begin, end - begin);
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    std::size_t next = at + c.bytes;
    if (is_line_end(c.value)) {
      if (c.value == U'\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(begin, (keep_ends ? next : at) - begin));
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string repr(std::string_view text) {
  const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    at += c.bytes;
    if (c.value == U'\n') {
      out += "\\n";
    } else if (c.value == U'\r') {
      out += "\\r";
    } else if (c.value == U'\t') {
      out += "\\t";
    } else if (c.value == U'\\' || c.value == static_cast<char32_t>(quote)) {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (is_printable(c.value)) {
      append_utf8(out, c.value);
    } else if (c.value < 0x100) {
      append_hex(out += "\\x", c.value, 2);
    } else if (c.value < 0x10000) {
      append_hex(out += "\\u", c.value, 4);
    } else {
      append_hex(out += "\\U", c.value, 8);
    }
  }
  return out += quote;
}

std::string repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = scientific.find('e');
  const bool negative = scientific[0] == '-';
  int exponent = 0;
  const std::size_t exponent_at = e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(scientific.data() + exponent_at, scientific.data() + scientific.size(), exponent);

  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const int n = static_cast<int>(digits.size());
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {  // float.__repr__ switches to an exponent here
    out += digits[0];
    if (n > 1) out += "." + digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    const int magnitude = std::abs(exponent);
    if (magnitude < 10) out += '0';
    return out + std::to_string(magnitude);
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  if (n <= exponent + 1) return out + digits + std::string(static_cast<std::size_t>(exponent + 1 - n), '0') + ".0";
  const auto point = static_cast<std::size_t>(exponent + 1);
  return out + digits.substr(0, point) + "." + digits.substr(point);
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace sw::jinja
