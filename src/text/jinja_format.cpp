#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja_builtins.hpp"
#include "text/jinja_interpreter.hpp"
#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 10'000;
constexpr std::int64_t kMaxPrecision = 500;

[[noreturn]] void bad_format(std::string what) {
  throw TemplateError{std::move(what), {}, "Correct the format string"};
}

/// One conversion: of `%08.3f`, or behind the colon of `{:>8}`.
struct Specification {
  std::string fill = " ";
  char align = 0;  ///< one of <>=^, or 0 for the type's own
  char sign = '-';
  bool alternate = false;
  bool grouping = false;
  std::int64_t width = 0;
  std::optional<std::int64_t> precision;
  char type = 0;
};

/// A number at `at`, or nothing; moves `at` behind it.
std::optional<std::int64_t> read_number(std::string_view text, std::size_t& at, std::int64_t limit) {
  const std::size_t begin = at;
  std::int64_t value = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    value = value * 10 + (text[at++] - '0');
    if (value > limit) bad_format("a format string asks for more than " + std::to_string(limit) + " characters");
  }
  return at > begin ? std::optional(value) : std::nullopt;
}

std::string pad(const std::string& sign, const std::string& body, const Specification& spec, char own_align) {
  const auto used = static_cast<std::int64_t>(count_code_points(sign) + count_code_points(body));
  if (used >= spec.width) return sign + body;
  const std::int64_t missing = spec.width - used;
  const auto fill = [&](std::int64_t n) {
    std::string out;
    for (std::int64_t i = 0; i < n; ++i) out += spec.fill;
    return out;
  };
  switch (spec.align != 0 ? spec.align : own_align) {
    case '<':
      return sign + body + fill(missing);
    case '^':
      return fill(missing / 2) + sign + body + fill(missing - missing / 2);
    case '=':
      return sign + fill(missing) + body;
    default:
      return fill(missing) + sign + body;
  }
}

std::string group_thousands(const std::string& digits) {
  const std::size_t point = digits.find_first_not_of("0123456789");
  const std::size_t whole = point == digits.npos ? digits.size() : point;
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string sign_of(bool negative, const Specification& spec) {
  if (negative) return "-";
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string format_integer(std::int64_t value, const Specification& spec, char type) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  std::array<char, 72> buffer{};
  const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), end.ptr);
  if (type == 'X') digits = to_upper(digits);
  if (spec.precision && std::ssize(digits) < *spec.precision) {
    digits.insert(0, static_cast<std::size_t>(*spec.precision - std::ssize(digits)), '0');
  }
  if (spec.grouping) digits = group_thousands(digits);
  std::string sign = sign_of(value < 0, spec);
  if (spec.alternate && base != 10) sign += std::string("0") + type;
  return pad(sign, digits, spec, '>');
}

std::string print_real(double magnitude, char type, bool alternate, int precision) {
  const std::string format = std::string(alternate ? "%#" : "%") + ".*" + type;
  std::array<char, 1024> buffer{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int n = std::snprintf(buffer.data(), buffer.size(), format.c_str(), precision, magnitude);
#pragma GCC diagnostic pop
  return {buffer.data(), static_cast<std::size_t>(n)};
}

std::string format_real(double value, const Specification& spec, char type) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const double magnitude = std::abs(value);
  const int precision = static_cast<int>(spec.precision.value_or(6));
  std::string body;
  if (!std::isfinite(value)) {
    body = std::isnan(value) ? "nan" : "inf";
    if (type >= 'A' && type <= 'Z') body = to_upper(body);
  } else if (type == '%') {
    body = print_real(magnitude * 100, 'f', spec.alternate, precision);
  } else if (type == 0) {
    body = spec.precision ? print_real(magnitude, 'g', spec.alternate, precision) : repr(magnitude);
  } else {
    body = print_real(magnitude, type, spec.alternate, precision);
  }
  if (type == '%') body += '%';
  if (spec.grouping) body = group_thousands(body);
  return pad(sign_of(negative, spec), body, spec, '>');
}

std::string format_string(std::string text, const Specification& spec) {
  if (spec.precision) {
    const auto offsets = code_point_offsets(text);
    if (*spec.precision < std::ssize(offsets) - 1) text.resize(offsets[static_cast<std::size_t>(*spec.precision)]);
  }
  return pad("", text, spec, '<');
}

bool is_real_type(char type) {
  return std::string_view("eEfFgG").find(type) != std::string_view::npos;
}

double require_number(const Value& value, char type) {
  if (const auto number = value.number()) return *number;
  if (const auto* missing = value.as<Undefined>()) throw TemplateError{*missing->why};
  bad_format(std::string("'%") + type + "' formats a number, not a " + std::string(type_name(value)));
}

std::int64_t require_integer(const Value& value, char type) {
  if (const auto integer = value.integer()) return *integer;
  const double number = require_number(value, type);
  if (!(std::abs(number) < 9.2e18)) bad_format("a float is too large to be formatted as an integer");
  return static_cast<std::int64_t>(number);
}

std::string format_character(const Value& value) {
  if (const auto* text = value.string(); text != nullptr && count_code_points(*text) == 1) return *text;
  const auto code = value.integer();
  if (!code || *code < 0 || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) {
    bad_format("'%c' takes one character or its code point");
  }
  std::string out;
  append_utf8(out, static_cast<char32_t>(*code));
  return out;
}

/// The values of `format % values`, taken in order or by name.
class PrintfValues {
 public:
  explicit PrintfValues(const Value& values) : values_(values) {
    const auto* sequence = values.sequence();
    tuple_ =
        sequence != nullptr && ((*sequence)->kind == SequenceKind::tuple || (*sequence)->kind == SequenceKind::group);
  }

  const Value& next() {
    if (tuple_) {
      const Values& items = (*values_.sequence())->items;
      if (next_ >= items.size()) bad_format("not enough values for the format string");
      return items[next_++];
    }
    if (next_++ > 0) bad_format("not enough values for the format string");
    return values_;
  }

  const Value& named(std::string_view name) {
    named_ = true;
    if (values_.dict() == nullptr) bad_format("'%(name)' takes its values from a dict");
    if (const Value* value = values_.dict()->find(name)) return *value;
    bad_format("the format string names '" + std::string(name) + "', which the dict lacks");
  }

  void finish() const {
    const std::size_t given = tuple_ ? (*values_.sequence())->items.size() : 1;
    if (named_ || next_ >= given || values_.dict() != nullptr) return;
    const auto* sequence = values_.sequence();
    if (!tuple_ && sequence != nullptr && (*sequence)->kind <= SequenceKind::range) return;  // a mapping to Python
    bad_format("not all values are used by the format string");
  }

 private:
  const Value& values_;
  bool tuple_ = false, named_ = false;
  std::size_t next_ = 0;
};

/// Reads `<fill><align>` and the rest of the mini-language of str.format.
Specification read_specification(std::string_view text) {
  Specification spec;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '=' || c == '^'; };
  if (!text.empty()) {
    const std::size_t bytes = decode_at(text, 0).bytes;
    if (bytes < text.size() && is_align(text[bytes])) {
      spec.fill = text.substr(0, bytes);
      spec.align = text[bytes];
      at = bytes + 1;
    } else if (is_align(text[0])) {
      spec.align = text[at++];
    }
  }
  const auto skip = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  spec.alternate = skip('#');
  if (skip('0') && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = read_number(text, at, kMaxWidth).value_or(0);
  spec.grouping = skip(',');
  if (skip('.')) {
    spec.precision = read_number(text, at, kMaxPrecision);
    if (!spec.precision) bad_format("a format string lacks the digits of its precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) bad_format("a malformed format specification '" + std::string(text) + "'");
  return spec;
}

std::string apply_specification(const Value& value, std::string_view text, Budget& budget) {
  const Specification spec = read_specification(text);
  if (value.string() != nullptr || text.empty()) {
    if (spec.type != 0 && spec.type != 's') bad_format("a string is formatted as a number");
    return format_string(to_text(value, budget), spec);
  }
  const bool real = value.is<double>();
  if (value.is<bool>() && spec.type == 0) {
    return format_string(to_text(value, budget), spec);
  }
  if (!value.number()) bad_format("a " + std::string(type_name(value)) + " takes no format specification");
  if (is_real_type(spec.type) || spec.type == '%' || (real && spec.type == 0)) {
    return format_real(*value.number(), spec, spec.type);
  }
  if (!real && spec.type == 'c') return pad("", format_character(value), spec, '<');
  if (!real && (spec.type == 0 || std::string_view("bdoxX").find(spec.type) != std::string_view::npos)) {
    if (spec.precision) bad_format("an integer takes no precision");
    return format_integer(*value.integer(), spec, spec.type);
  }
  bad_format("the format type '" + std::string(1, spec.type) + "' does not fit a " + std::string(type_name(value)));
}

/// The replacement fields of str.format.
class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Arguments& arguments)
      : interpreter_(interpreter), arguments_(arguments) {}

  std::string format(std::string_view text, int depth) {
    if (depth > 2) bad_format("replacement fields are nested too deeply");
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at++];
      if ((c == '{' || c == '}') && at < text.size() && text[at] == c) {
        out += c;
        ++at;
      } else if (c == '}') {
        bad_format("a single '}' in a format string");
      } else if (c == '{') {
        const std::size_t end = field_end(text, at);
        const std::string field = replace(text.substr(at, end - at), depth);
        interpreter_.budget().allocate(field.size());
        out += field;
        at = end + 1;
      } else {
        out += c;
      }
    }
    return out;
  }

 private:
  static std::size_t field_end(std::string_view text, std::size_t at) {
    int open = 1;
    for (; at < text.size(); ++at) {
      if (text[at] == '{') ++open;
      if (text[at] == '}' && --open == 0) return at;
    }
    bad_format("a '{' in a format string is not closed");
  }

  std::string replace(std::string_view field, int depth) {
    const std::size_t colon = field.find(':');
    const std::string specification = colon == field.npos ? "" : format(field.substr(colon + 1), depth + 1);
    field = field.substr(0, colon);
    const std::size_t bang = field.find('!');
    Value value = lookup(field.substr(0, bang));
    Budget& budget = interpreter_.budget();
    if (bang != field.npos) {
      const std::string_view conversion = field.substr(bang + 1);
      if (conversion == "r") {
        value = Value(to_repr(value, budget));
      } else if (conversion == "s") {
        value = Value(to_text(value, budget));
      } else {
        bad_format("an unknown conversion '!" + std::string(conversion) + "'");
      }
    }
    return apply_specification(value, specification, budget);
  }

  Value lookup(std::string_view path) {
    std::size_t at = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, at));
    while (at < path.size()) {
      interpreter_.budget().step();
      const bool attribute = path[at++] == '.';
      const std::size_t end = std::min(path.find_first_of(attribute ? ".[" : "]", at), path.size());
      const std::string name(path.substr(at, end - at));
      if (name.empty()) bad_format("an empty attribute in a format string");
      if (attribute) {
        value = interpreter_.attribute(value, name);
        at = end;
        continue;
      }
      std::size_t digits = 0;
      const auto index = read_number(name, digits, 1'000'000'000);
      value = index && digits == name.size() ? interpreter_.element(value, *index) : interpreter_.element(value, name);
      at = end + 1;
      if (at < path.size() && path[at] != '.' && path[at] != '[') bad_format("'.' or '[' must follow ']'");
    }
    return value;
  }

  Value first(std::string_view name) {
    std::size_t digits = 0;
    auto index = read_number(name, digits, 1'000'000'000);
    if (name.empty()) index = next_++;
    if (index && digits == name.size()) {
      if (*index >= std::ssize(arguments_.positional)) bad_format("not enough values for the format string");
      return arguments_.positional[static_cast<std::size_t>(*index)];
    }
    for (const auto& [keyword, value] : arguments_.keyword) {
      if (keyword == name) return value;
    }
    bad_format("the format string names '" + std::string(name) + "', which is not given");
  }

  Interpreter& interpreter_;
  const Arguments& arguments_;
  std::int64_t next_ = 0;
};

}  // namespace

std::string format_printf(Interpreter& interpreter, std::string_view format, const Value& given) {
  PrintfValues values(given);
  std::string out;
  for (std::size_t at = 0; at < format.size();) {
    const char c = format[at++];
    if (c != '%') {
      out += c;
      continue;
    }
    const Value* value = nullptr;
    if (at < format.size() && format[at] == '(') {
      const std::size_t end = format.find(')', at);
      if (end == format.npos) bad_format("a '%(' in a format string is not closed");
      value = &values.named(format.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    Specification spec;
    for (; at < format.size() && std::string_view("-+ 0#").find(format[at]) != std::string_view::npos; ++at) {
      switch (format[at]) {
        case '-':
          spec.align = '<';
          break;
        case '+':
          spec.sign = '+';
          break;
        case ' ':
          spec.sign = spec.sign == '+' ? '+' : ' ';
          break;
        case '0':
          spec.fill = "0";
          break;
        default:
          spec.alternate = true;
      }
    }
    if (spec.align == '<') spec.fill = " ";
    if (spec.fill == "0") spec.align = '=';
    spec.width = read_number(format, at, kMaxWidth).value_or(0);
    if (at < format.size() && format[at] == '.') {
      ++at;
      spec.precision = read_number(format, at, kMaxPrecision).value_or(0);
    }
    if (at >= format.size()) bad_format("a format string ends inside a conversion");
    const char type = format[at++];
    if (type == '%') {
      out += '%';
      continue;
    }
    if (value == nullptr) value = &values.next();
    std::string text;
    if (type == 's' || type == 'r') {
      Budget& budget = interpreter.budget();
      if (spec.fill == "0") spec.fill = " ", spec.align = '>';
      if (spec.align == 0) spec.align = '>';
      text = format_string(type == 's' ? to_text(*value, budget) : to_repr(*value, budget), spec);
    } else if (type == 'd' || type == 'i' || type == 'u') {
      text = format_integer(require_integer(*value, type), spec, 'd');
    } else if (type == 'x' || type == 'X' || type == 'o') {
      if (!value->integer()) bad_format("'%x' and '%o' format integers");
      text = format_integer(*value->integer(), spec, type);
    } else if (type == 'c') {
      text = pad("", format_character(*value), spec, '>');
    } else if (is_real_type(type)) {
      text = format_real(require_number(*value, type), spec, type);
    } else {
      bad_format(std::string("an unknown conversion '%") + type + "'");
    }
    interpreter.budget().allocate(text.size());
    out += text;
  }
  values.finish();
  return out;
}

std::string format_braces(Interpreter& interpreter, std::string_view format, const Arguments& arguments) {
  return BraceFormatter(interpreter, arguments).format(format, 0);
}

}  // namespace sw::jinja
