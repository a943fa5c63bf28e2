#include "text/unicode.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace sw::unicode {
namespace {

/// Bytes of the character that `lead` starts, 0 when no character starts with it.
constexpr std::uint32_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// Whether `byte` may follow `lead` directly (Unicode 15, table 3-7).
constexpr bool second_fits(unsigned char lead, unsigned char byte) {
  if (byte < 0x80 || byte > 0xBF) return false;
  switch (lead) {
    case 0xE0:
      return byte >= 0xA0;
    case 0xED:
      return byte <= 0x9F;
    case 0xF0:
      return byte >= 0x90;
    case 0xF4:
      return byte <= 0x8F;
    default:
      return true;
  }
}

/// Bytes of the longest well-formed prefix of a character at the start of `text`; `whole` when it is a character.
std::size_t well_formed_prefix(std::string_view text, bool& whole) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = length_of(lead);
  std::size_t n = length == 0 ? 0 : 1;
  while (n != 0 && n < length && n < text.size()) {
    const auto byte = static_cast<unsigned char>(text[n]);
    if (n == 1 ? !second_fits(lead, byte) : (byte & 0xC0) != 0x80) break;
    ++n;
  }
  whole = length != 0 && n == length;
  return n;
}

bool is_white_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::uint8_t classify_slowly(char32_t c) {
  if (is_white_space(c)) return space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return mark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return number;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return punctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return symbol;
    default:
      return other;
  }
}

const std::array<std::uint8_t, 256>& first_classes() {
  static const auto table = [] {
    std::array<std::uint8_t, 256> t{};
    for (std::size_t c = 0; c < t.size(); ++c) t[c] = classify_slowly(static_cast<char32_t>(c));
    return t;
  }();
  return table;
}

/// Below this, no character changes under NFC and none combines with another one below it.
constexpr char32_t first_combining = 0x300;

void normalize_valid(std::string_view text, Form form, std::string& out) {
  const bool compatible = form == Form::nfkc || form == Form::nfkd;
  const bool composed = form == Form::nfc || form == Form::nfkc;
  const auto decomposition = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                            (compatible ? UTF8PROC_COMPAT : UTF8PROC_STABLE));

  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    i += c.size;
    std::array<utf8proc_int32_t, 32> expansion;
    int boundary = 0;
    const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code_point), expansion.data(),
                                           expansion.size(), decomposition, &boundary);
    if (n > 0 && n <= static_cast<utf8proc_ssize_t>(expansion.size())) {
      points.insert(points.end(), expansion.begin(), expansion.begin() + n);
    } else {
      points.push_back(static_cast<utf8proc_int32_t>(c.code_point));
    }
  }
  // Canonical order. The library's own reordering is quadratic in the length of a run of marks.
  const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto begin = points.begin(); begin != points.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, points.end(), [&](auto c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  auto size = static_cast<utf8proc_ssize_t>(points.size());
  if (composed) {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    size = utf8proc_normalize_utf32(points.data(), size, options);
  }
  for (utf8proc_ssize_t i = 0; i < size; ++i)
    append_utf8(out, static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
}

}  // namespace

Character decode_beyond_ascii(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const unsigned char lead = byte(0);
  bool whole = false;
  const auto size = static_cast<std::uint32_t>(well_formed_prefix(text.substr(offset), whole));
  if (!whole) return {0xFFFD, 1, false};
  char32_t c = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) c = (c << 6) | (byte(i) & 0x3Fu);
  return {c, size, true};
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::uint8_t classify(char32_t c) {
  static const auto& table = first_classes();
  return c < table.size() ? table[c] : classify_slowly(c);
}

bool is_nonspacing_mark(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_MN;
}

bool is_word(char32_t c) {
  if (is(c, letter | mark)) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    if (!c.valid) {
      out += text[i];
    } else if (c.code_point == 0x130) {  // the one character whose lower case is two
      out += "i\xCC\x87";
    } else {
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code_point))));
    }
    i += c.size;
  }
  return out;
}

std::string normalize(std::string_view text, Form form) {
  const char32_t first_changing = form == Form::nfc ? first_combining : 0x80;
  bool changes = false;
  for (std::size_t i = 0; i < text.size() && !changes;) {
    const Character c = decode(text, i);
    changes = c.valid && c.code_point >= first_changing;
    i += c.size;
  }
  if (!changes) return std::string(text);

  std::string out;
  out.reserve(text.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    if (!c.valid) {
      normalize_valid(text.substr(begin, i - begin), form, out);
      out += text[i];
      begin = i + 1;
    }
    i += c.size;
  }
  normalize_valid(text.substr(begin), form, out);
  return out;
}

std::string mask_invalid(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    if (!c.valid) out[i] = '\x1A';
    i += c.size;
  }
  return out;
}

bool is_valid(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t word = 0;
    if (text.size() - i >= sizeof word) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080808080808080) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const Character c = decode(text, i);
    if (!c.valid) return false;
    i += c.size;
  }
  return true;
}

std::size_t append_lossy(std::string_view bytes, bool at_end, std::string& out) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const std::string_view rest = bytes.substr(i);
    bool whole = false;
    const std::size_t n = well_formed_prefix(rest, whole);
    if (whole) {
      out += rest.substr(0, n);
    } else {
      if (n == rest.size() && !at_end) break;
      out += "\xEF\xBF\xBD";
    }
    i += std::max<std::size_t>(n, 1);
  }
  return i;
}

}  // namespace sw::unicode
