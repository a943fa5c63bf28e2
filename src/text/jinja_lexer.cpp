#include "text/jinja_lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

/// "\n" for "\r\n" and "\r", and no newline at the very end, as Jinja2 without keep_trailing_newline.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_text();
    add(TokenKind::end, at_, "the end of the template");
    return std::move(tokens_);
  }

 private:
  // --- outside tags ---

  void read_text() {
    const std::size_t begin = at_;
    std::size_t tag = begin;
    do {
      tag = source_.find('{', tag);
      if (tag == source_.npos) {
        add(TokenKind::text, begin, source_.substr(begin));
        at_ = source_.size();
        return;
      }
      ++tag;
    } while (tag == source_.size() || (source_[tag] != '{' && source_[tag] != '%' && source_[tag] != '#'));
    --tag;
    const char kind = source_[tag + 1];
    at_ = tag + 2;
    const char sign = at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+') ? source_[at_] : ' ';
    if (sign != ' ') ++at_;
    add_text(begin, tag, sign, kind != '{');
    switch (kind) {
      case '#':
        return skip_comment(tag);
      case '{':
        return read_tag(tag, TokenKind::variable_begin, TokenKind::variable_end, "}}");
      default:
        if (const auto end = raw_begin(at_)) return read_raw(tag, *end);
        return read_tag(tag, TokenKind::block_begin, TokenKind::block_end, "%}");
    }
  }

  void add_text(std::size_t begin, std::size_t end, char sign, bool lstrip) {
    std::string_view text = std::string_view(source_).substr(begin, end - begin);
    if (sign == '-') {
      text = strip(text, std::nullopt, false, true);
    } else if (sign != '+' && lstrip) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line = newline == text.npos ? 0 : newline + 1;
      if ((line > 0 || at_line_start_) && strip(text.substr(line), std::nullopt, true, false).empty()) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) add(TokenKind::text, begin, std::string(text));
  }

  void skip_comment(std::size_t tag) {
    const std::size_t end = source_.find("#}", at_);
    if (end == source_.npos) fail(tag, "a comment is not closed", "'#}'");
    const char sign = end > at_ ? source_[end - 1] : ' ';
    end_tag(end + 2, sign, true);
  }

  /// The offset behind "raw %}" at `from`, if that is what is there.
  std::optional<std::size_t> raw_begin(std::size_t from) const {
    std::size_t at = skip_space(from);
    if (source_.compare(at, 3, "raw") != 0) return std::nullopt;
    at = skip_space(at + 3);
    if (source_.compare(at, 3, "-%}") == 0) return skip_space(at + 3);
    if (source_.compare(at, 2, "%}") == 0) return at + 2;
    return std::nullopt;
  }

  void read_raw(std::size_t tag, std::size_t begin) {
    at_line_start_ = source_[begin - 1] == '\n';
    for (std::size_t end = begin; (end = source_.find("{%", end)) != source_.npos; end += 2) {
      std::size_t at = end + 2;
      const char sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : ' ';
      at = skip_space(sign == ' ' ? at : at + 1);
      if (source_.compare(at, 6, "endraw") != 0) continue;
      at = skip_space(at + 6);
      const char end_sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : ' ';
      if (end_sign != ' ') ++at;
      if (source_.compare(at, 2, "%}") != 0) continue;
      add_text(begin, end, sign, true);
      return end_tag(at + 2, end_sign, true);
    }
    fail(tag, "a raw block is not closed", "'{% endraw %}'");
  }

  /// Moves behind a tag that ends at `end`, and the whitespace that belongs to it.
  void end_tag(std::size_t end, char sign, bool trim_newline) {
    at_ = end;
    if (sign == '-') {
      at_ = skip_space(at_);
    } else if (sign != '+' && trim_newline && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    at_line_start_ = source_[at_ - 1] == '\n';
  }

  // --- inside tags ---

  void read_tag(std::size_t tag, TokenKind begin, TokenKind end, std::string_view closing) {
    add(begin, tag, source_.substr(tag, 2));
    const bool block = end == TokenKind::block_end;
    std::string brackets;
    while (true) {
      at_ = skip_space(at_);
      if (at_ >= source_.size()) fail(tag, "a tag is not closed", "'" + std::string(closing) + "'");
      if (brackets.empty()) {
        const char c = source_[at_];
        const bool is_signed = c == '-' || (c == '+' && block);
        if (source_.compare(at_ + (is_signed ? 1 : 0), 2, closing) == 0) {
          add(end, at_, std::string(closing));
          return end_tag(at_ + (is_signed ? 3 : 2), is_signed ? c : ' ', block);
        }
      }
      read_token(brackets);
    }
  }

  void read_token(std::string& brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return read_number();
    if (c == '\'' || c == '"') return read_string();
    if (is_name_start(at_)) return read_name();
    read_symbol(brackets);
  }

  bool is_name_start(std::size_t at) const {
    const CodePoint c = decode_at(source_, at);
    return c.value == U'_' || is_alphabetic(c.value);
  }

  void read_name() {
    const std::size_t begin = at_;
    while (at_ < source_.size()) {
      const CodePoint c = decode_at(source_, at_);
      if (c.value != U'_' && !is_alphabetic(c.value) && !is_decimal(c.value)) break;
      at_ += c.bytes;
    }
    add(TokenKind::name, begin, source_.substr(begin, at_ - begin));
  }

  /// Digits of `base` from `at`, with single underscores between them.
  std::size_t skip_digits(std::size_t at, int base, bool leading_underscore = false) const {
    const auto digit = [&](std::size_t i) {
      if (i >= source_.size()) return false;
      const char c = source_[i] | 0x20;
      const int value = is_digit(source_[i]) ? source_[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
      return value < base;
    };
    std::size_t end = at;
    while (digit(end) ||
           (end < source_.size() && source_[end] == '_' && (end > at || leading_underscore) && digit(end + 1))) {
      ++end;
    }
    return end;
  }

  void read_number() {
    const std::size_t begin = at_;
    const char marker = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : ' ';
    if (source_[at_] == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) {
      const int base = marker == 'x' ? 16 : marker == 'o' ? 8 : 2;
      const std::size_t end = skip_digits(at_ + 2, base, true);
      if (end > at_ + 2) return add_integer(begin, at_ + 2, end, base);
    }
    std::size_t end = skip_digits(at_, 10);
    const bool after_dot = begin > 0 && source_[begin - 1] == '.';
    bool real = false;
    if (!after_dot) {
      if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
        end = skip_digits(end + 1, 10);
        real = true;
      }
      if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
        const std::size_t sign =
            end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
        const std::size_t exponent = end + 1 + sign;
        if (exponent < source_.size() && is_digit(source_[exponent])) {
          end = skip_digits(exponent, 10);
          real = true;
        }
      }
    }
    if (!real) return add_integer(begin, begin, end, 10);
    std::string digits = source_.substr(begin, end - begin);
    std::erase(digits, '_');
    at_ = end;
    add(TokenKind::real, begin, digits);
    tokens_.back().number = std::strtod(digits.c_str(), nullptr);
  }

  void add_integer(std::size_t begin, std::size_t digits_begin, std::size_t end, int base) {
    std::string digits = source_.substr(digits_begin, end - digits_begin);
    std::erase(digits, '_');
    if (base == 10 && digits[0] == '0' && digits.find_first_not_of('0') != digits.npos) {
      fail(begin, "the integer " + digits + " starts with a zero", "no leading zeros, or '0o' before octal digits");
    }
    std::int64_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (parsed.ec != std::errc()) fail(begin, "the integer " + digits + " needs more than 64 bits");
    at_ = end;
    add(TokenKind::integer, begin, digits);
    tokens_.back().number = value;
  }

  void read_string() {
    const std::size_t begin = at_;
    const char quote = source_[at_++];
    std::string value;
    while (true) {
      if (at_ >= source_.size()) fail(begin, "a string is not closed", std::string("a closing ") + quote);
      const char c = source_[at_++];
      if (c == quote) break;
      if (c == '\\') {
        read_escape(begin, value);
      } else {
        value += c;
      }
    }
    add(TokenKind::string, begin, std::move(value));
  }

  void read_escape(std::size_t string_begin, std::string& value) {
    if (at_ >= source_.size()) fail(string_begin, "a string is not closed", "a closing quote");
    const char c = source_[at_++];
    constexpr std::string_view plain = "\\'\"abfnrtv";
    constexpr std::string_view meaning = "\\'\"\a\b\f\n\r\t\v";
    if (const auto known = plain.find(c); known != plain.npos) {
      value += meaning[known];
    } else if (c == '\n') {
      // A backslash at the end of a line continues the string on the next.
    } else if (c >= '0' && c <= '7') {
      char32_t code = 0;
      --at_;
      for (int i = 0; i < 3 && at_ < source_.size() && source_[at_] >= '0' && source_[at_] <= '7'; ++i) {
        code = code * 8 + static_cast<char32_t>(source_[at_++] - '0');
      }
      append_utf8(value, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      append_hex_escape(string_begin, value, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    } else if (c == 'N') {
      fail(string_begin, "a string names a character with \\N", "\\u and four hexadecimal digits");
    } else {
      value += '\\';
      value += c;
    }
  }

  void append_hex_escape(std::size_t string_begin, std::string& value, std::size_t digits) {
    std::uint32_t code = 0;
    const char* first = source_.data() + at_;
    const char* last = source_.data() + std::min(source_.size(), at_ + digits);
    const auto parsed = std::from_chars(first, last, code, 16);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (parsed.ec != std::errc() || parsed.ptr != first + digits || code > 0x10FFFF || surrogate) {
      fail(string_begin, "a string has a malformed \\x, \\u or \\U escape",
           "exactly 2, 4 or 8 hexadecimal digits that make a Unicode character");
    }
    at_ += digits;
    append_utf8(value, code);
  }

  void read_symbol(std::string& brackets) {
    constexpr std::array<std::string_view, 26> symbols = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (const std::string_view symbol : symbols) {
      if (source_.compare(at_, symbol.size(), symbol) != 0) continue;
      const char c = symbol[0];
      if (c == '(' || c == '[' || c == '{') {
        brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
      } else if (c == ')' || c == ']' || c == '}') {
        if (brackets.empty()) fail(at_, "an unexpected '" + std::string(symbol) + "'");
        if (brackets.back() != c) {
          fail(at_, "an unexpected '" + std::string(symbol) + "'", std::string("'") + brackets.back() + "'");
        }
        brackets.pop_back();
      }
      add(TokenKind::symbol, at_, std::string(symbol));
      at_ += symbol.size();
      return;
    }
    const std::size_t bytes = decode_at(source_, at_).bytes;
    fail(at_, "an unexpected character " + repr(std::string_view(source_).substr(at_, bytes)));
  }

  // --- positions ---

  std::size_t skip_space(std::size_t at) const {
    while (at < source_.size()) {
      const CodePoint c = decode_at(source_, at);
      if (!is_space(c.value)) break;
      at += c.bytes;
    }
    return at;
  }

  /// The position of an offset; offsets of successive calls mostly grow, so that a template is walked once.
  Position position(std::size_t offset) {
    if (offset < located_offset_) {
      located_offset_ = 0;
      located_ = {1, 1};
    }
    while (located_offset_ < offset) {
      const CodePoint c = decode_at(source_, located_offset_);
      located_offset_ += c.bytes;
      located_ = c.value == U'\n' ? Position{located_.line + 1, 1} : Position{located_.line, located_.column + 1};
    }
    return located_;
  }

  void add(TokenKind kind, std::size_t offset, std::string text) {
    tokens_.push_back({kind, std::move(text), {}, position(offset)});
  }

  [[noreturn]] void fail(std::size_t offset, std::string what, std::string expected = {}) {
    throw TemplateError{std::move(what), std::move(expected), {}, position(offset)};
  }

  std::string source_;
  std::size_t at_ = 0;
  bool at_line_start_ = true;
  std::size_t located_offset_ = 0;
  Position located_ = {1, 1};
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace sw::jinja
