#include "decode/regex_expression.hpp"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <string>

namespace sw {
namespace {

constexpr int max_depth = 100;
constexpr int max_count = 10000;

const CodePoints digits = {{'0', '9'}};
const CodePoints word = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePoints space = {{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x2028, 0x2029}, {0xFEFF, 0xFEFF}};
const CodePoints line_ends = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
const CodePoints everything = {{0, last_code_point}};

class Parser {
 public:
  Parser(std::string_view pattern, RegexText text) : rest_(pattern), size_(pattern.size()), text_(text) {}

  Result<Expression> parse() {
    std::vector<Expression> alternatives;
    do {
      SW_ASSIGN(Expression alternative, top_level_alternative());
      alternatives.push_back(std::move(alternative));
    } while (take('|'));
    if (!rest_.empty()) return error("')' without '('");
    return choice(std::move(alternatives));
  }

 private:
  std::unexpected<Error> error(std::string what) const {
    return fail(std::move(what), fmt::format("regular expression, byte {}", size_ - rest_.size()), {},
                "Supported: literals, ., [], escapes, groups, |, *, +, ?, {m,n}");
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Expression one_of(const CodePoints& set) const { return text_ == RegexText::plain ? utf8(set) : json_character(set); }

  /// Anchors stand only here, so that nothing inside has to know where it is.
  Result<Expression> top_level_alternative() {
    const Expression anything = repeat(one_of(everything), 0, -1);
    const bool from_start = take('^') || text_ == RegexText::plain;
    std::vector<Expression> parts;
    if (!from_start) parts.push_back(anything);
    SW_ASSIGN(Expression inside, concatenation());
    parts.push_back(std::move(inside));
    const bool to_end = take('$') || text_ == RegexText::plain;
    if (!to_end) parts.push_back(anything);
    if (rest_.starts_with('^') || rest_.starts_with('$')) return error("an anchor in the middle");
    return sequence(std::move(parts));
  }

  Result<Expression> alternation() {
    std::vector<Expression> alternatives;
    do {
      SW_ASSIGN(Expression alternative, concatenation());
      alternatives.push_back(std::move(alternative));
    } while (take('|'));
    return choice(std::move(alternatives));
  }

  Result<Expression> concatenation() {
    std::vector<Expression> parts;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')' && rest_.front() != '$') {
      if (rest_.front() == '^') return error("an anchor in the middle");
      SW_ASSIGN(Expression part, atom());
      SW_ASSIGN(part, quantified(std::move(part)));
      parts.push_back(std::move(part));
    }
    return sequence(std::move(parts));
  }

  Result<Expression> atom() {
    if (take('(')) return group();
    if (take('[')) {
      SW_ASSIGN(const CodePoints set, character_class());
      return one_of(set);
    }
    if (take('.')) return one_of(complement(line_ends));
    if (take('\\')) {
      SW_ASSIGN(const CodePoints set, escape(false));
      return one_of(set);
    }
    if (rest_.front() == '*' || rest_.front() == '+' || rest_.front() == '?' || rest_.front() == '{')
      return error(fmt::format("nothing to repeat before '{}'", rest_.front()));
    SW_ASSIGN(const std::uint32_t c, code_point());
    return one_of({{c, c}});
  }

  Result<Expression> group() {
    if (++depth_ > max_depth) return error("groups are nested too deeply");
    if (take("?<") && !rest_.starts_with('=') && !rest_.starts_with('!')) {
      const auto end = rest_.find('>');
      if (end == std::string_view::npos) return error("a group's name does not end");
      rest_.remove_prefix(end + 1);
    } else if (rest_.starts_with('?') && !take("?:")) {
      return error("look-around and flags are not supported");
    }
    SW_ASSIGN(Expression inside, alternation());
    if (!take(')')) return error("'(' without ')'");
    --depth_;
    return inside;
  }

  Result<Expression> quantified(Expression part) {
    int min = 1, max = 1;
    if (take('*')) {
      min = 0, max = -1;
    } else if (take('+')) {
      max = -1;
    } else if (take('?')) {
      min = 0;
    } else if (take('{')) {
      SW_ASSIGN(min, count());
      max = min;
      if (take(',')) {
        if (rest_.starts_with('}')) {
          max = -1;
        } else {
          SW_ASSIGN(max, count());
        }
      }
      if (!take('}') || (max >= 0 && max < min)) return error("a repetition must be {m}, {m,} or {m,n}");
    } else {
      return part;
    }
    take('?');  // lazy or greedy: the same texts match
    if (rest_.starts_with('*') || rest_.starts_with('+') || rest_.starts_with('{'))
      return error("two repetitions in a row");
    return repeat(std::move(part), min, max);
  }

  Result<int> count() {
    int value = 0;
    const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (code != std::errc() || value > max_count || value < 0)
      return error(fmt::format("a repetition count must be a number up to {}", max_count));
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  Result<CodePoints> character_class() {
    const bool negated = take('^');
    CodePoints set;
    while (!take(']')) {
      if (rest_.empty()) return error("'[' without ']'");
      SW_ASSIGN(CodePoints first, class_member());
      if (rest_.starts_with('-') && !rest_.starts_with("-]")) {
        rest_.remove_prefix(1);
        if (rest_.empty()) return error("'[' without ']'");
        SW_ASSIGN(const CodePoints last, class_member());
        const bool single = first.size() == 1 && last.size() == 1 && first[0].first == first[0].second &&
                            last[0].first == last[0].second;
        if (!single || last[0].first < first[0].first)
          return error("a range in [] must go from a character up to another");
        first[0].second = last[0].first;
      }
      set.insert(set.end(), first.begin(), first.end());
    }
    return negated ? complement(set) : normalized(std::move(set));
  }

  Result<CodePoints> class_member() {
    if (take('\\')) return escape(true);
    SW_ASSIGN(const std::uint32_t c, code_point());
    return CodePoints{{c, c}};
  }

  Result<CodePoints> escape(bool in_class) {
    if (rest_.empty()) return error("'\\' at the end");
    const char c = rest_.front();
    const auto single = [](std::uint32_t code) { return CodePoints{{code, code}}; };
    if (c == 'u' || c == 'x') {
      rest_.remove_prefix(1);
      SW_ASSIGN(const std::uint32_t code, hexadecimal(c == 'x' ? 2 : 4));
      return single(code);
    }
    const bool is_alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!is_alphanumeric) {
      SW_ASSIGN(const std::uint32_t code, code_point());
      return single(code);
    }
    rest_.remove_prefix(1);
    switch (c) {
      case 'd':
        return digits;
      case 'D':
        return complement(digits);
      case 'w':
        return word;
      case 'W':
        return complement(word);
      case 's':
        return space;
      case 'S':
        return complement(space);
      case 'n':
        return single('\n');
      case 'r':
        return single('\r');
      case 't':
        return single('\t');
      case 'f':
        return single('\f');
      case 'v':
        return single('\v');
      case '0':
        return single(0);
      case 'b':
        if (in_class) return single('\b');
        [[fallthrough]];
      default:
        return error(fmt::format("\\{} is not supported", c));
    }
  }

  /// Exactly `n` digits, or any number of them in braces.
  Result<std::uint32_t> hexadecimal(std::size_t n) {
    std::string_view text = rest_.substr(0, n);
    std::size_t size = n;
    if (n == 4 && rest_.starts_with('{')) {
      const auto end = rest_.find('}');
      if (end == std::string_view::npos) return error("\\u{ without }");
      text = rest_.substr(1, end - 1);
      size = end + 1;
    } else if (rest_.size() < n) {
      return error("an escape is cut short");
    }
    std::uint32_t code = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), code, 16);
    if (failure != std::errc() || end != text.data() + text.size() || code > last_code_point)
      return error("an escape needs hexadecimal digits");
    rest_.remove_prefix(size);
    return code;
  }

  Result<std::uint32_t> code_point() {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest_[i]); };
    const unsigned char first = byte(0);
    const std::size_t n = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (rest_.size() < n || (first >= 0x80 && first < 0xC2) || first > 0xF4) return error("this is not UTF-8");
    std::uint32_t code = n == 1 ? first : first & (0xFFu >> (n + 1));
    for (std::size_t i = 1; i < n; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return error("this is not UTF-8");
      code = code << 6 | (byte(i) & 0x3Fu);
    }
    rest_.remove_prefix(n);
    return code;
  }

  std::string_view rest_;
  const std::size_t size_;
  const RegexText text_;
  int depth_ = 0;
};

}  // namespace

Expression json_character(const CodePoints& set) {
  struct Escaped {
    std::uint32_t code;
    std::string_view written;
  };
  static constexpr Escaped escaped[] = {{'"', R"(\")"},  {'\\', R"(\\)"}, {'\n', R"(\n)"},
                                        {'\t', R"(\t)"}, {'\r', R"(\r)"}, {'\f', R"(\f)"}};
  static const CodePoints bare = complement({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
  std::vector<Expression> ways = {utf8(intersection(set, bare))};
  for (const Escaped& character : escaped)
    if (!intersection(set, {{character.code, character.code}}).empty()) ways.push_back(literal(character.written));
  return choice(std::move(ways));
}

Result<Expression> parse_regex(std::string_view pattern, RegexText text) {
  return Parser(pattern, text).parse();
}

}  // namespace sw
