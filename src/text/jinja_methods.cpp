#include <algorithm>
#include <array>

#include "text/jinja_builtins.hpp"
#include "text/jinja_interpreter.hpp"
#include "text/jinja_operators.hpp"
#include "text/jinja_text.hpp"

/// The methods of str, dict, list and tuple that Jinja2's immutable sandbox leaves callable.
namespace sw::jinja {
namespace {

/// The bytes of `text` from code point `start` to `stop`, and the offset of the first; the bounds as in a slice.
struct Window {
  std::string_view text;
  std::int64_t first;  ///< code points before the window
  bool valid;          ///< false when it starts behind the end, where not even "" is found
};

Window window(const std::string& text, const Parameters& p, std::size_t start, std::size_t stop) {
  const auto is_given = [&](std::size_t i) { return p.has(i) && !p.at(i).is_none(); };
  if (!is_given(start) && !is_given(stop)) return {text, 0, true};
  const auto offsets = code_point_offsets(text);
  const std::int64_t size = std::ssize(offsets) - 1;
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    if (!is_given(i)) return otherwise;
    const std::int64_t value = p.integer(i);
    return value < 0 ? (value < -size ? 0 : value + size) : value;
  };
  const std::int64_t from = bound(start, 0), to = std::min(bound(stop, size), size);
  if (from > to) return {{}, 0, false};
  const std::size_t begin = offsets[static_cast<std::size_t>(from)], end = offsets[static_cast<std::size_t>(to)];
  return {std::string_view(text).substr(begin, end - begin), from, true};
}

Value find(std::string_view name, const std::string& text, const Arguments& arguments) {
  const Parameters p(name, arguments, {"sub", "start", "end"}, 1);
  const Window w = window(text, p, 1, 2);
  const bool from_right = name[0] == 'r';
  const auto at = from_right ? w.text.rfind(p.string(0)) : w.text.find(p.string(0));
  if (!w.valid || at == w.text.npos) {
    if (name.ends_with("index")) throw TemplateError{"'" + std::string(name) + "' did not find the text"};
    return -1;
  }
  return w.first + static_cast<std::int64_t>(count_code_points(w.text.substr(0, at)));
}

Value count(const std::string& text, const Arguments& arguments) {
  const Parameters p("count", arguments, {"sub", "start", "end"}, 1);
  const Window w = window(text, p, 1, 2);
  const std::string& sub = p.string(0);
  if (!w.valid) return 0;
  if (sub.empty()) return static_cast<std::int64_t>(count_code_points(w.text)) + 1;
  std::int64_t n = 0;
  for (auto at = w.text.find(sub); at != w.text.npos; at = w.text.find(sub, at + sub.size())) ++n;
  return n;
}

Value affix(std::string_view name, const std::string& text, const Arguments& arguments) {
  const Parameters p(name, arguments, {"prefix", "start", "end"}, 1);
  const Window w = window(text, p, 1, 2);
  const auto matches = [&](const Value& candidate) {
    if (candidate.string() == nullptr) {
      throw TemplateError{"'" + std::string(name) + "' got a " + std::string(type_name(candidate)), "a string"};
    }
    const std::string& s = *candidate.string();
    return w.valid && (name == "startswith" ? w.text.starts_with(s) : w.text.ends_with(s));
  };
  const auto* options = p.at(0).sequence();
  if (options == nullptr || (*options)->kind != SequenceKind::tuple) return matches(p.at(0));
  return std::ranges::any_of((*options)->items, matches);
}

Value to_list(Interpreter& i, const std::vector<std::string_view>& parts) {
  Values items;
  for (const std::string_view part : parts) {
    i.budget().allocate(part.size() + sizeof(Value));
    items.emplace_back(part);
  }
  return make_list(std::move(items), i.budget());
}

/// Pieces between runs of whitespace; at most `limit` splits, counted from the right if `from_right`.
std::vector<std::string_view> split_whitespace(std::string_view text, std::int64_t limit, bool from_right) {
  std::vector<std::string_view> words;
  text = strip(text, std::nullopt, true, true);
  if (from_right) {
    while (!text.empty() && (limit < 0 || std::ssize(words) < limit)) {
      std::size_t begin = 0;  // of the last word
      for (std::size_t at = text.size(); at > 0; --at) {
        if ((static_cast<unsigned char>(text[at - 1]) & 0xC0) == 0x80) continue;
        const CodePoint c = decode_at(text, at - 1);
        if (is_space(c.value)) {
          begin = at - 1 + c.bytes;
          break;
        }
      }
      words.push_back(text.substr(begin));
      text = strip(text.substr(0, begin), std::nullopt, false, true);
    }
    if (!text.empty()) words.push_back(text);
    std::ranges::reverse(words);
    return words;
  }
  while (!text.empty() && (limit < 0 || std::ssize(words) < limit)) {
    std::size_t end = 0;
    while (end < text.size()) {
      const CodePoint c = decode_at(text, end);
      if (is_space(c.value)) break;
      end += c.bytes;
    }
    words.push_back(text.substr(0, end));
    text = strip(text.substr(end), std::nullopt, true, false);
  }
  if (!text.empty()) words.push_back(text);
  return words;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, std::int64_t limit,
                                       bool from_right) {
  std::vector<std::string_view> parts;
  while (limit < 0 || std::ssize(parts) < limit) {
    const auto at = from_right ? text.rfind(separator) : text.find(separator);
    if (at == text.npos) break;
    parts.push_back(from_right ? text.substr(at + separator.size()) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(at + separator.size());
  }
  parts.push_back(text);
  if (from_right) std::ranges::reverse(parts);
  return parts;
}

Value split(Interpreter& i, std::string_view name, const std::string& text, const Arguments& arguments) {
  const Parameters p(name, arguments, {"sep", "maxsplit"});
  const bool from_right = name == "rsplit";
  const std::int64_t limit = p.integer(1, -1);
  const auto separator = p.optional_string(0);
  if (!separator) {
    // Without a limit both directions give the same words, and this one is linear.
    const auto words = split_whitespace(text, limit, from_right && limit >= 0);
    if (limit >= 0 && !words.empty()) {  // the rest keeps its outer whitespace
      std::string_view rest = from_right ? words.front() : words.back();
      if (std::ssize(words) == limit + 1 || limit == 0) {
        const std::string_view whole = text;
        const auto offset = static_cast<std::size_t>(rest.data() - whole.data());
        auto kept = words;
        (from_right ? kept.front() : kept.back()) =
            from_right ? whole.substr(0, offset + rest.size()) : whole.substr(offset);
        return to_list(i, kept);
      }
    }
    return to_list(i, words);
  }
  if (separator->empty()) throw TemplateError{"'" + std::string(name) + "' got an empty separator"};
  return to_list(i, split_at(text, *separator, limit, from_right));
}

Value partition(Interpreter& i, std::string_view name, const std::string& text, const Arguments& arguments) {
  const Parameters p(name, arguments, {"sep"}, 1);
  const std::string& separator = p.string(0);
  if (separator.empty()) throw TemplateError{"'" + std::string(name) + "' got an empty separator"};
  const bool from_right = name == "rpartition";
  const auto at = from_right ? text.rfind(separator) : text.find(separator);
  i.budget().allocate(text.size());
  if (at == text.npos) {
    return from_right ? make_tuple({"", "", text}, i.budget()) : make_tuple({text, "", ""}, i.budget());
  }
  return make_tuple({text.substr(0, at), separator, text.substr(at + separator.size())}, i.budget());
}

Value join(Interpreter& i, const std::string& separator, const Arguments& arguments) {
  const Parameters p("join", arguments, {"iterable"}, 1);
  const auto items = iterate(p.at(0), i.budget());
  std::string out;
  for (std::size_t k = 0; k < items->items.size(); ++k) {
    const auto* text = items->items[k].string();
    if (text == nullptr) {
      throw TemplateError{"'join' got a " + std::string(type_name(items->items[k])), "strings",
                          "Use the filter 'join', which converts"};
    }
    i.budget().allocate(separator.size() + text->size());
    if (k > 0) out += separator;
    out += *text;
  }
  return Value(std::move(out));
}

Value replace(Interpreter& i, const std::string& text, const Arguments& arguments) {
  const Parameters p("replace", arguments, {"old", "new", "count"}, 2);
  const std::string &from = p.string(0), &to = p.string(1);
  std::int64_t left = p.integer(2, -1);
  std::string out;
  std::size_t at = 0;
  const auto put = [&](std::string_view piece) {
    i.budget().allocate(piece.size());
    out += piece;
  };
  if (from.empty()) {  // between all code points, and around them
    for (; left != 0; --left) {
      put(to);
      if (at == text.size()) return Value(std::move(out));
      const std::size_t bytes = decode_at(text, at).bytes;
      put(std::string_view(text).substr(at, bytes));
      at += bytes;
    }
  } else {
    for (; left != 0; --left) {
      const auto found = text.find(from, at);
      if (found == text.npos) break;
      put(std::string_view(text).substr(at, found - at));
      put(to);
      at = found + from.size();
    }
  }
  put(std::string_view(text).substr(at));
  return Value(std::move(out));
}

Value pad(Interpreter& i, std::string_view name, const std::string& text, const Arguments& arguments) {
  const Parameters p(name, arguments, {"width", "fillchar"}, 1);
  const std::string fill = p.optional_string(1).value_or(name == "zfill" ? "0" : " ");
  if (count_code_points(fill) != 1) throw TemplateError{"'" + std::string(name) + "' pads with one character"};
  const std::int64_t size = static_cast<std::int64_t>(count_code_points(text));
  const std::int64_t missing = p.integer(0) > size ? p.integer(0) - size : 0;
  const auto filling = [&](std::int64_t n) {
    return *arithmetic(BinaryOperator::multiply, Value(fill), n, i.budget()).string();
  };
  if (name == "ljust") return Value(text + filling(missing));
  if (name == "rjust") return Value(filling(missing) + text);
  if (name == "zfill") {
    const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    return Value(text.substr(0, sign) + filling(missing) + text.substr(sign));
  }
  const std::int64_t left = missing / 2 + (missing & p.integer(0) & 1);  // as CPython's str.center
  return Value(filling(left) + text + filling(missing - left));
}

bool all_characters(const std::string& text, bool (*is)(char32_t)) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (!is(c.value)) return false;
    at += c.bytes;
  }
  return true;
}

bool has_only_case(const std::string& text, bool (*wanted)(char32_t), bool (*unwanted)(char32_t)) {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (unwanted(c.value)) return false;
    found = found || wanted(c.value);
    at += c.bytes;
  }
  return found;
}

bool is_identifier(const std::string& text) {
  return !text.empty() && !is_decimal(decode_at(text, 0).value) &&
         all_characters(text, [](char32_t c) { return c == U'_' || is_alphabetic(c) || is_decimal(c); });
}

std::string expand_tabs(Interpreter& i, const std::string& text, std::int64_t size) {
  std::string out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (c.value == U'\t') {
      const std::int64_t spaces = size > 0 ? size - column % size : 0;
      out += *arithmetic(BinaryOperator::multiply, " ", spaces, i.budget()).string();
      column += spaces;
    } else {
      out.append(text, at, c.bytes);
      column = c.value == U'\n' || c.value == U'\r' ? 0 : column + 1;
    }
    at += c.bytes;
  }
  return out;
}

bool test_characters(std::string_view name, const std::string& text) {
  if (name == "isascii") return all_characters(text, [](char32_t c) { return c < 0x80; });
  if (name == "isprintable") return all_characters(text, is_printable);
  if (name == "isidentifier") return is_identifier(text);
  if (name == "islower") return has_only_case(text, is_lower, is_upper);
  if (name == "isupper") return has_only_case(text, is_upper, is_lower);
  if (name == "istitle")
    return has_only_case(text, is_upper, [](char32_t) { return false; }) && title_case(text) == text;
  if (text.empty()) return false;
  if (name == "isspace") return all_characters(text, is_space);
  if (name == "isalpha") return all_characters(text, is_alphabetic);
  if (name == "isalnum") return all_characters(text, [](char32_t c) { return is_alphabetic(c) || is_numeric(c); });
  if (name == "isnumeric") return all_characters(text, is_numeric);
  return all_characters(text, is_decimal);  // isdigit, isdecimal
}

Value call_string(Interpreter& i, const Value& self, std::string_view name, const Arguments& arguments) {
  const std::string& text = *self.string();
  const bool markup = self.as<String>()->markup;
  i.budget().allocate(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const Parameters p(name, arguments, {"chars"});
    const auto chars = p.optional_string(0);
    return {std::string(strip(text, chars, name != "rstrip", name != "lstrip")), markup};
  }
  if (name == "split" || name == "rsplit") return split(i, name, text, arguments);
  if (name == "startswith" || name == "endswith") return affix(name, text, arguments);
  if (name == "replace") return replace(i, text, arguments);
  if (name == "join") return join(i, text, arguments);
  if (name == "format") return i.string(format_braces(i, text, arguments));
  if (name == "format_map") {
    const Parameters p(name, arguments, {"mapping"}, 1);
    Arguments named;
    if (p.at(0).dict() == nullptr) throw TemplateError{"'format_map' takes a dict"};
    for (const auto& [key, value] : p.at(0).dict()->entries) {
      if (key.string() != nullptr) named.keyword.emplace_back(*key.string(), value);
    }
    return i.string(format_braces(i, text, named));
  }
  if (name == "find" || name == "rfind" || name == "index" || name == "rindex") return find(name, text, arguments);
  if (name == "count") return count(text, arguments);
  if (name == "partition" || name == "rpartition") return partition(i, name, text, arguments);
  if (name == "center" || name == "ljust" || name == "rjust" || name == "zfill") return pad(i, name, text, arguments);
  if (name == "splitlines") {
    const Parameters p(name, arguments, {"keepends"});
    return to_list(i, split_lines(text, p.flag(0)));
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const Parameters p(name, arguments, {"affix"}, 1);
    const std::string& part = p.string(0);
    if (name == "removeprefix") return Value(text.starts_with(part) ? text.substr(part.size()) : text);
    return Value(text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text);
  }
  if (name == "expandtabs") return Value(expand_tabs(i, text, Parameters(name, arguments, {"tabsize"}).integer(0, 8)));
  const Parameters none(name, arguments, {});
  if (name == "upper") return {to_upper(text), markup};
  if (name == "lower" || name == "casefold") return {to_lower(text), markup};
  if (name == "title") return {title_case(text), markup};
  if (name == "capitalize") return {capitalize(text), markup};
  if (name == "swapcase") return {swap_case(text), markup};
  return test_characters(name, text);
}

Value call_dict(Interpreter& i, const Value& self, std::string_view name, const Arguments& arguments) {
  const Dict& dict = *self.dict();
  if (name == "get") {
    const Parameters p(name, arguments, {"key", "default"}, 1);
    if (!hashable(p.at(0)))
      throw TemplateError{"a " + std::string(type_name(p.at(0))) + " cannot be the key of a dict"};
    const Value* found = dict.find(p.at(0), i.budget());
    return found != nullptr ? *found : p.value(1);
  }
  const Parameters none(name, arguments, {});
  if (name == "copy") return self;
  Values items;
  for (const auto& [key, value] : dict.entries) {
    items.push_back(name == "keys" ? key : name == "values" ? value : make_tuple({key, value}, i.budget()));
  }
  const auto kind = name == "keys" ? SequenceKind::keys : name == "values" ? SequenceKind::values : SequenceKind::items;
  return make_sequence(kind, std::move(items), i.budget());
}

Value call_sequence(Interpreter& i, const Value& self, std::string_view name, const Arguments& arguments) {
  const Values& items = (*self.sequence())->items;
  if (name == "copy") {
    const Parameters none(name, arguments, {});
    return make_list(items, i.budget());
  }
  const Parameters p(name, arguments, {"value"}, 1);
  std::int64_t n = 0;
  for (std::size_t k = 0; k < items.size(); ++k) {
    if (!equal(items[k], p.at(0), i.budget())) continue;
    if (name == "index") return static_cast<std::int64_t>(k);
    ++n;
  }
  if (name == "index") throw TemplateError{"'index' did not find the value"};
  return n;
}

Value call_loop(Interpreter& i, const Value& self, std::string_view name, const Arguments& arguments) {
  Loop& loop = **self.pointer<Loop>();
  if (name == "cycle") {
    if (arguments.positional.empty()) throw TemplateError{"'loop.cycle' got no values"};
    return arguments.positional[loop.index % arguments.positional.size()];
  }
  if (loop.scope == nullptr) throw TemplateError{"'loop.changed' is called after its loop has ended"};
  Value now = make_tuple(arguments.positional, i.budget());
  const bool changed = !loop.changed || !equal(*loop.changed, now, i.budget());
  loop.changed = std::move(now);
  return changed;
}

constexpr auto kStringMethods = std::to_array<std::string_view>(
    {"capitalize",   "casefold",     "center",     "count",      "endswith",    "expandtabs", "find",
     "format",       "format_map",   "index",      "isalnum",    "isalpha",     "isascii",    "isdecimal",
     "isdigit",      "isidentifier", "islower",    "isnumeric",  "isprintable", "isspace",    "istitle",
     "isupper",      "join",         "ljust",      "lower",      "lstrip",      "partition",  "removeprefix",
     "removesuffix", "replace",      "rfind",      "rindex",     "rjust",       "rpartition", "rsplit",
     "rstrip",       "split",        "splitlines", "startswith", "strip",       "swapcase",   "title",
     "upper",        "zfill"});
constexpr auto kDictMethods = std::to_array<std::string_view>({"copy", "get", "items", "keys", "values"});
constexpr auto kDictMutators = std::to_array<std::string_view>({"clear", "pop", "popitem", "setdefault", "update"});
constexpr auto kListMethods = std::to_array<std::string_view>({"copy", "count", "index"});
constexpr auto kListMutators =
    std::to_array<std::string_view>({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
constexpr auto kTupleMethods = std::to_array<std::string_view>({"count", "index"});

bool has(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool has_method(const Value& object, std::string_view name, bool& mutates) {
  if (object.string() != nullptr) return has(kStringMethods, name);
  if (object.dict() != nullptr) return (mutates = has(kDictMutators, name)) || has(kDictMethods, name);
  const auto* sequence = object.sequence();
  if (sequence == nullptr) return false;
  switch ((*sequence)->kind) {
    case SequenceKind::list:
      return (mutates = has(kListMutators, name)) || has(kListMethods, name);
    case SequenceKind::tuple:
    case SequenceKind::group:
    case SequenceKind::range:
      return has(kTupleMethods, name);
    default:
      return false;
  }
}

Value call_method(Interpreter& interpreter, const Value& object, std::string_view name, const Arguments& arguments) {
  if (object.string() != nullptr) return call_string(interpreter, object, name, arguments);
  if (object.dict() != nullptr) return call_dict(interpreter, object, name, arguments);
  if (object.sequence() != nullptr) return call_sequence(interpreter, object, name, arguments);
  return call_loop(interpreter, object, name, arguments);
}

}  // namespace sw::jinja
