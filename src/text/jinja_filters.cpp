#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "text/jinja_builtins.hpp"
#include "text/jinja_interpreter.hpp"
#include "text/jinja_operators.hpp"
#include "text/jinja_text.hpp"

/// The filters of Jinja2 (jinja2.filters), with the `tojson` of apply_chat_template.
namespace sw::jinja {
namespace {

[[noreturn]] void fail_type(std::string_view filter, const Value& value, std::string expected) {
  if (const auto* missing = value.as<Undefined>()) throw TemplateError{*missing->why};
  throw TemplateError{"the filter '" + std::string(filter) + "' got a " + std::string(type_name(value)),
                      std::move(expected)};
}

Value with_text(Interpreter& i, const Value& like, std::string text) {
  i.budget().allocate(text.size());
  const auto* string = like.as<String>();
  return {std::move(text), string != nullptr && string->markup};
}

Value fold_case(const Value& value) {
  const auto* text = value.string();
  return text != nullptr ? Value(to_lower(*text)) : value;
}

/// The value at a dotted path ("user.name", "0.id") inside each item; the item itself without a path.
class AttributePath {
 public:
  AttributePath(const Value& path, bool ignore_case = false, std::optional<Value> otherwise = {})
      : ignore_case_(ignore_case), otherwise_(std::move(otherwise)) {
    if (path.is_none()) return;
    const auto* text = path.string();
    if (text == nullptr) {
      parts_.push_back(path);
      return;
    }
    for (std::size_t begin = 0; begin <= text->size();) {
      const std::size_t end = std::min(text->find('.', begin), text->size());
      parts_.push_back(part(text->substr(begin, end - begin)));
      begin = end + 1;
    }
  }

  Value operator()(Interpreter& i, Value item) const {
    for (const Value& name : parts_) {
      item = i.element(item, name);
      if (otherwise_ && item.is_undefined()) item = *otherwise_;
    }
    return ignore_case_ ? fold_case(item) : item;
  }

 private:
  static Value part(const std::string& text) {
    std::int64_t index = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && text[0] != '-';
    return whole ? Value(index) : Value(text);
  }

  Values parts_;
  bool ignore_case_;
  std::optional<Value> otherwise_;
};

/// Sorts by precomputed keys, stably in both directions as Python's sorted.
Values sort_by(Interpreter& i, const Values& items, const Values& keys, bool reverse) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return reverse ? less(keys[b], keys[a], i.budget()) : less(keys[a], keys[b], i.budget());
  });
  Values sorted;
  for (const std::size_t k : order) sorted.push_back(items[k]);
  return sorted;
}

Value generator(Interpreter& i, Values items) {
  return make_sequence(SequenceKind::generator, std::move(items), i.budget());
}

// --- text ---

Value upper(Interpreter& i, const Value& v, const Arguments&) {
  return with_text(i, v, to_upper(i.text(v)));
}
Value lower(Interpreter& i, const Value& v, const Arguments&) {
  return with_text(i, v, to_lower(i.text(v)));
}
Value capitalize_filter(Interpreter& i, const Value& v, const Arguments&) {
  return with_text(i, v, capitalize(i.text(v)));
}

Value title(Interpreter& i, const Value& v, const Arguments&) {
  const std::string text = i.text(v);
  std::string out;
  bool word_start = true;
  std::size_t word = 0;
  for (std::size_t at = 0; at <= text.size();) {  // words end at -, whitespace, (, {, [ and <
    const bool end = at == text.size();
    const CodePoint c = end ? CodePoint{U' ', 1} : decode_at(text, at);
    const bool separator =
        is_space(c.value) || std::u32string_view(U"-({[<").find(c.value) != std::u32string_view::npos;
    if (separator && !word_start) {
      const std::size_t first = decode_at(text, word).bytes;
      out += to_upper(text.substr(word, first)) + to_lower(text.substr(word + first, at - word - first));
      word_start = true;
    }
    if (end) break;
    if (separator) {
      out.append(text, at, c.bytes);
    } else if (word_start) {
      word = at;
      word_start = false;
    }
    at += c.bytes;
  }
  return with_text(i, v, std::move(out));
}

Value trim(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("trim", arguments, {"chars"});
  const auto chars = p.optional_string(0);
  return with_text(i, v, std::string(strip(i.text(v), chars, true, true)));
}

Value replace(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("replace", arguments, {"old", "new", "count"}, 2);
  const Arguments call{{i.text(p.at(0)), i.text(p.at(1)), p.has(2) && !p.at(2).is_none() ? p.at(2) : Value(-1)}, {}};
  return call_method(i, i.text(v), "replace", call);
}

Value string(Interpreter& i, const Value& v, const Arguments&) {
  return v.string() != nullptr ? v : i.string(i.text(v));
}

Value safe(Interpreter& i, const Value& v, const Arguments&) {
  return Value(i.text(v), true);
}

Value escape(Interpreter& i, const Value& v, const Arguments&) {
  if (const auto* string = v.as<String>(); string != nullptr && string->markup) return v;
  std::string escaped = escape_html(i.text(v));
  i.budget().allocate(escaped.size());
  return Value(std::move(escaped), true);
}

Value force_escape(Interpreter& i, const Value& v, const Arguments& arguments) {
  return escape(i, Value(i.text(v)), arguments);
}

Value indent(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("indent", arguments, {"width", "first", "blank"});
  if (v.string() == nullptr) fail_type("indent", v, "a string");
  Value width = p.value(0, 4);
  if (width.string() == nullptr) width = arithmetic(BinaryOperator::multiply, " ", width, i.budget());
  const std::string& indentation = *width.string();
  const std::string text = *v.string() + "\n";
  const bool blank = p.flag(2);
  std::string out = p.flag(1) ? indentation : "";
  bool first_line = true;
  for (const std::string_view line : split_lines(text, false)) {
    if (!first_line) {
      out += '\n';
      if (blank || !line.empty()) {
        i.budget().allocate(indentation.size());
        out += indentation;
      }
    }
    first_line = false;
    out += line;
  }
  return with_text(i, v, std::move(out));
}

Value word_count(Interpreter& i, const Value& v, const Arguments&) {
  const std::string text = i.text(v);
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    const bool word = c.value == U'_' || is_alphabetic(c.value) || is_numeric(c.value);
    if (word && !inside) ++words;
    inside = word;
    at += c.bytes;
  }
  return words;
}

Value format(Interpreter& i, const Value& v, const Arguments& arguments) {
  if (!arguments.keyword.empty()) {
    if (!arguments.positional.empty()) throw TemplateError{"the filter 'format' got positional and named values"};
    DictBuilder values(i.budget());
    for (const auto& [name, value] : arguments.keyword) values.set(Value(name), value);
    return i.string(format_printf(i, i.text(v), values.finish()));
  }
  return i.string(format_printf(i, i.text(v), make_tuple(arguments.positional, i.budget())));
}

Value truncate(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("truncate", arguments, {"length", "killwords", "end", "leeway"});
  if (v.string() == nullptr) fail_type("truncate", v, "a string");
  const std::int64_t limit = p.integer(0, 255);
  const std::string end = p.optional_string(2).value_or("...");
  const std::int64_t leeway = p.has(3) && !p.at(3).is_none() ? p.integer(3) : 5;
  const auto kept = limit - static_cast<std::int64_t>(count_code_points(end));
  if (kept < 0 || leeway < 0) throw TemplateError{"the filter 'truncate' got a length below its ending's"};
  const auto offsets = code_point_offsets(*v.string());
  if (std::ssize(offsets) - 1 <= limit || std::ssize(offsets) - 1 - limit <= leeway) return v;
  std::string text = v.string()->substr(0, offsets[static_cast<std::size_t>(kept)]);
  if (!p.flag(1)) text.resize(std::min(text.rfind(' '), text.size()));
  return with_text(i, v, text + end);
}

Value center(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("center", arguments, {"width"});
  return call_method(i, i.text(v), "center", {{p.integer(0, 80)}, {}});
}

Value to_json_filter(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = p.flag(0);
  style.sort_keys = p.flag(3);
  if (p.has(1) && !p.at(1).is_none()) {
    const auto spaces = p.at(1).integer();
    if (spaces && *spaces > 100) throw TemplateError{"the filter 'tojson' indents by more than 100 spaces"};
    style.indent =
        spaces ? std::string(static_cast<std::size_t>(std::max<std::int64_t>(*spaces, 0)), ' ') : p.string(1);
    style.item_separator = ",";
  }
  if (p.has(2) && !p.at(2).is_none()) {
    const auto separators = iterate(p.at(2), i.budget());
    if (separators->items.size() != 2 || separators->items[0].string() == nullptr ||
        separators->items[1].string() == nullptr) {
      throw TemplateError{"the filter 'tojson' got malformed separators", "two strings"};
    }
    style.item_separator = *separators->items[0].string();
    style.key_separator = *separators->items[1].string();
  }
  return Value(to_json(v, style, i.budget()));
}

// --- numbers ---

Value absolute(Interpreter&, const Value& v, const Arguments&) {
  if (const auto integer = v.integer()) return *integer < 0 ? negate(*integer) : Value(*integer);
  if (const auto number = v.number()) return std::abs(*number);
  fail_type("abs", v, "a number");
}

/// int(text, base): an optional sign, a prefix that fits the base, digits with single underscores.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t base) {
  text = strip(text, std::nullopt, true, true);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() > 2 && text[0] == '0') {
    const char marker = static_cast<char>(text[1] | 0x20);
    const std::int64_t marked = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      base = marked;
      text.remove_prefix(2);
      if (text.starts_with('_')) text.remove_prefix(1);
    }
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) return std::nullopt;
  std::string digits = negative ? "-" : "";
  for (std::size_t k = 0; k < text.size(); ++k) {
    const bool between = k > 0 && k + 1 < text.size() && text[k - 1] != '_';
    if (text[k] == '_' && between) continue;
    if (text[k] == '_' || text[k] == '-') return std::nullopt;
    digits += text[k];
  }
  std::int64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
  if (parsed.ec == std::errc::result_out_of_range) throw TemplateError{"an integer needs more than 64 bits"};
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  std::string digits(strip(text, std::nullopt, true, true));
  for (std::size_t k = 0; k < digits.size(); ++k) {
    const auto is_digit = [&](std::size_t at) { return at < digits.size() && digits[at] >= '0' && digits[at] <= '9'; };
    if (digits[k] == '_' && (k == 0 || !is_digit(k - 1) || !is_digit(k + 1))) return std::nullopt;
  }
  std::erase(digits, '_');
  const std::string_view body = std::string_view(digits).substr(digits.starts_with('+') || digits.starts_with('-'));
  if (body.empty() || body[0] == '+' || body[0] == '-' || body.find_first_of("xX(") != body.npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  if (end != digits.c_str() + digits.size()) return std::nullopt;
  return value;
}

Value to_integer(Interpreter&, const Value& v, const Arguments& arguments) {
  const Parameters p("int", arguments, {"default", "base"});
  const Value otherwise = p.value(0, 0);
  std::optional<double> real;
  if (const auto* text = v.string()) {
    if (const auto integer = parse_integer(*text, p.integer(1, 10))) return *integer;
    real = parse_real(*text);
  } else if (const auto integer = v.integer()) {
    return *integer;
  } else if (v.is_undefined()) {
    fail_type("int", v, "a number");
  } else {
    real = v.number();
  }
  if (!real || !std::isfinite(*real)) return otherwise;
  if (!(std::abs(*real) < 9.2e18)) throw TemplateError{"an integer needs more than 64 bits"};
  return static_cast<std::int64_t>(*real);
}

Value to_real(Interpreter&, const Value& v, const Arguments& arguments) {
  const Parameters p("float", arguments, {"default"});
  if (v.is_undefined()) fail_type("float", v, "a number");
  const auto real = v.string() != nullptr ? parse_real(*v.string()) : v.number();
  return real ? Value(*real) : p.value(0, 0.0);
}

/// Correctly rounded to `digits` decimals, ties to even on the exact binary value, as Python's round.
double round_decimals(double value, int digits) {
  std::array<char, 700> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
  return std::strtod(buffer.data(), nullptr);
}

Value round_filter(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("round", arguments, {"precision", "method"});
  const std::int64_t precision = std::clamp<std::int64_t>(p.integer(0, 0), -400, 300);
  const std::string method = p.optional_string(1).value_or("common");
  if (method != "common" && method != "ceil" && method != "floor") {
    throw TemplateError{"the filter 'round' got the method '" + method + "'", "common, ceil or floor"};
  }
  if (!v.number()) fail_type("round", v, "a number");
  const double value = *v.number();
  if (method != "common") {
    const Value factor = arithmetic(BinaryOperator::power, 10, precision, i.budget());
    const double scaled = *arithmetic(BinaryOperator::multiply, v, factor, i.budget()).number();
    const double rounded = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
    return rounded / *factor.number();
  }
  if (!std::isfinite(value)) return value;
  if (precision >= 0)
    return v.integer() ? Value(*v.integer()) : Value(round_decimals(value, static_cast<int>(precision)));
  const double unit = std::pow(10.0, static_cast<double>(-precision));
  const double rounded = std::isfinite(unit) ? std::nearbyint(value / unit) * unit : 0.0;
  return v.integer() ? Value(static_cast<std::int64_t>(rounded)) : Value(rounded);
}

// --- sequences ---

Value length_filter(Interpreter& i, const Value& v, const Arguments&) {
  if (const auto n = length(v, i.budget())) return *n;
  fail_type("length", v, "a string, a list or a dict");
}

Value list(Interpreter& i, const Value& v, const Arguments&) {
  return make_list(iterate(v, i.budget())->items, i.budget());
}

Value first(Interpreter& i, const Value& v, const Arguments&) {
  const auto items = iterate(v, i.budget());
  return items->items.empty() ? undefined("the sequence has no first item") : items->items.front();
}

Value last(Interpreter& i, const Value& v, const Arguments&) {
  if (const auto* sequence = v.sequence(); sequence != nullptr && (*sequence)->kind == SequenceKind::generator) {
    fail_type("last", v, "a list; apply the filter 'list' before");
  }
  const auto items = iterate(v, i.budget());
  return items->items.empty() ? undefined("the sequence has no last item") : items->items.back();
}

Value join(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("join", arguments, {"d", "attribute"});
  const std::string separator = p.has(0) ? i.text(p.at(0)) : "";
  const AttributePath path(p.value(1));
  const auto items = iterate(v, i.budget());
  std::string out;
  for (std::size_t k = 0; k < items->items.size(); ++k) {
    i.budget().allocate(separator.size());
    if (k > 0) out += separator;
    out += i.text(path(i, items->items[k]));
  }
  return Value(std::move(out));
}

Value sort(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<AttributePath> paths;
  const Value attribute = p.value(2);
  if (const auto* text = attribute.string()) {
    for (std::size_t begin = 0; begin <= text->size();) {
      const std::size_t end = std::min(text->find(',', begin), text->size());
      paths.emplace_back(Value(text->substr(begin, end - begin)), !p.flag(1));
      begin = end + 1;
    }
  } else {
    paths.emplace_back(attribute, !p.flag(1));
  }
  const auto items = iterate(v, i.budget());
  Values keys;
  for (const Value& item : items->items) {
    Values key;
    for (const AttributePath& path : paths) key.push_back(path(i, item));
    keys.push_back(make_list(std::move(key), i.budget()));
  }
  return make_list(sort_by(i, items->items, keys, p.flag(0)), i.budget());
}

Value dict_sort(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = p.optional_string(1).value_or("key");
  if (by != "key" && by != "value") throw TemplateError{"the filter 'dictsort' sorts by '" + by + "'", "key or value"};
  if (v.dict() == nullptr) fail_type("dictsort", v, "a dict");
  Values items, keys;
  for (const auto& [key, value] : v.dict()->entries) {
    items.push_back(make_tuple({key, value}, i.budget()));
    const Value& sorted_by = by == "key" ? key : value;
    keys.push_back(p.flag(0) ? sorted_by : fold_case(sorted_by));
  }
  return make_list(sort_by(i, items, keys, p.flag(2)), i.budget());
}

Value reverse(Interpreter& i, const Value& v, const Arguments&) {
  if (v.string() != nullptr) return slice(v, {}, {}, -1, i.budget());
  Values items = iterate(v, i.budget())->items;
  std::ranges::reverse(items);
  return generator(i, std::move(items));
}

Value unique(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("unique", arguments, {"case_sensitive", "attribute"});
  const AttributePath path(p.value(1), !p.flag(0));
  Values kept, keys;
  const auto elements = iterate(v, i.budget());
  for (const Value& item : elements->items) {
    Value key = path(i, item);
    if (!hashable(key)) fail_type("unique", key, "values that can be the key of a dict");
    if (std::ranges::any_of(keys, [&](const Value& seen) { return equal(seen, key, i.budget()); })) continue;
    keys.push_back(std::move(key));
    kept.push_back(item);
  }
  return generator(i, std::move(kept));
}

Value extreme(Interpreter& i, const Value& v, const Arguments& arguments, bool largest) {
  const Parameters p(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const AttributePath path(p.value(1), !p.flag(0));
  const auto items = iterate(v, i.budget());
  if (items->items.empty()) return undefined("the sequence has no items to compare");
  std::size_t best = 0;
  Value best_key = path(i, items->items[0]);
  for (std::size_t k = 1; k < items->items.size(); ++k) {
    Value key = path(i, items->items[k]);
    if (largest ? less(best_key, key, i.budget()) : less(key, best_key, i.budget())) {
      best = k;
      best_key = std::move(key);
    }
  }
  return items->items[best];
}
Value minimum(Interpreter& i, const Value& v, const Arguments& a) {
  return extreme(i, v, a, false);
}
Value maximum(Interpreter& i, const Value& v, const Arguments& a) {
  return extreme(i, v, a, true);
}

Value sum(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("sum", arguments, {"attribute", "start"});
  const AttributePath path(p.value(0));
  Value total = p.value(1, 0);
  if (total.string() != nullptr) fail_type("sum", total, "numbers; join strings with 'join'");
  const auto elements = iterate(v, i.budget());
  for (const Value& item : elements->items) {
    total = arithmetic(BinaryOperator::add, total, path(i, item), i.budget());
  }
  return total;
}

Value batch(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = p.integer(0);
  const Value fill = p.value(1);
  Values batches, row;
  const auto finish_row = [&] { batches.push_back(make_list(std::exchange(row, {}), i.budget())); };
  const auto elements = iterate(v, i.budget());
  for (const Value& item : elements->items) {
    if (std::ssize(row) == size) finish_row();
    row.push_back(item);
  }
  if (!row.empty()) {
    while (!fill.is_none() && std::ssize(row) < size) {
      i.budget().allocate(sizeof(Value));
      row.push_back(fill);
    }
    finish_row();
  }
  return generator(i, std::move(batches));
}

Value slice_filter(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t slices = p.integer(0);
  if (slices < 1) throw TemplateError{"the filter 'slice' got a number of slices below 1"};
  const auto items = iterate(v, i.budget());
  const std::int64_t size = std::ssize(items->items), each = size / slices, longer = size % slices;
  Values out;
  std::int64_t at = 0;
  for (std::int64_t k = 0; k < slices; ++k) {
    i.budget().step();
    const std::int64_t end = at + each + (k < longer ? 1 : 0);
    Values part(items->items.begin() + at, items->items.begin() + end);
    if (p.has(1) && !p.at(1).is_none() && k >= longer) part.push_back(p.at(1));
    out.push_back(make_list(std::move(part), i.budget()));
    at = end;
  }
  return generator(i, std::move(out));
}

Value group_by(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  std::optional<Value> otherwise;
  if (p.has(1) && !p.at(1).is_none()) otherwise = p.at(1);
  const AttributePath key(p.at(0), !p.flag(2), otherwise), shown(p.at(0), false, otherwise);
  const auto items = iterate(v, i.budget());
  Values keys;
  for (const Value& item : items->items) keys.push_back(key(i, item));
  const Values sorted = sort_by(i, items->items, keys, false);
  Values groups;
  for (std::size_t begin = 0; begin < sorted.size();) {
    const Value group_key = key(i, sorted[begin]);
    std::size_t end = begin + 1;
    while (end < sorted.size() && equal(key(i, sorted[end]), group_key, i.budget())) ++end;
    Values members(sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                   sorted.begin() + static_cast<std::ptrdiff_t>(end));
    Value name = shown(i, sorted[begin]);
    groups.push_back(
        make_sequence(SequenceKind::group, {std::move(name), make_list(std::move(members), i.budget())}, i.budget()));
    begin = end;
  }
  return make_list(std::move(groups), i.budget());
}

Value items(Interpreter& i, const Value& v, const Arguments&) {
  if (v.is_undefined()) return generator(i, {});
  if (v.dict() == nullptr) fail_type("items", v, "a dict");
  Values out;
  for (const auto& [key, value] : v.dict()->entries) out.push_back(make_tuple({key, value}, i.budget()));
  return generator(i, std::move(out));
}

/// What is left of `arguments` behind the first `n` positional ones.
Arguments drop(Interpreter& i, const Arguments& arguments, std::size_t n) {
  i.budget().allocate((arguments.positional.size() + arguments.keyword.size()) * sizeof(Value));
  Arguments rest = arguments;
  const auto count = std::min(n, rest.positional.size());
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

std::string name_argument(const Arguments& arguments, std::size_t n, std::string_view filter) {
  if (n >= arguments.positional.size() || arguments.positional[n].string() == nullptr) {
    throw TemplateError{"the filter '" + std::string(filter) + "' got no name", "the name of a filter or test"};
  }
  return *arguments.positional[n].string();
}

Value map(Interpreter& i, const Value& v, const Arguments& arguments) {
  if (!truth(v)) return generator(i, {});
  const auto items = iterate(v, i.budget());
  Values out;
  if (arguments.positional.empty() && !arguments.keyword.empty() && arguments.keyword.front().first != "default") {
    const Parameters p("map", arguments, {"attribute", "default"});
    std::optional<Value> otherwise;
    if (p.has(1) && !p.at(1).is_none()) otherwise = p.at(1);
    const AttributePath path(p.value(0), false, otherwise);
    for (const Value& item : items->items) out.push_back(path(i, item));
  } else {
    const std::string name = name_argument(arguments, 0, "map");
    const Arguments rest = drop(i, arguments, 1);
    for (const Value& item : items->items) out.push_back(call_filter(i, name, item, rest));
  }
  return generator(i, std::move(out));
}

Value select_items(Interpreter& i, const Value& v, const Arguments& arguments, bool wanted, bool by_attribute) {
  if (!truth(v)) return generator(i, {});
  const std::size_t n = by_attribute ? 1 : 0;
  if (by_attribute && arguments.positional.empty()) throw TemplateError{"a filter needs the name of an attribute"};
  const AttributePath path(by_attribute ? arguments.positional[0] : Value());
  const bool has_test = arguments.positional.size() > n;
  const std::string test = has_test ? name_argument(arguments, n, "select") : "";
  const Arguments rest = drop(i, arguments, n + 1);
  Values kept;
  const auto elements = iterate(v, i.budget());
  for (const Value& item : elements->items) {
    const Value subject = path(i, item);
    i.budget().step();
    if ((has_test ? call_test(i, test, subject, rest) : truth(subject)) == wanted) kept.push_back(item);
  }
  return generator(i, std::move(kept));
}
Value select(Interpreter& i, const Value& v, const Arguments& a) {
  return select_items(i, v, a, true, false);
}
Value reject(Interpreter& i, const Value& v, const Arguments& a) {
  return select_items(i, v, a, false, false);
}
Value select_attribute(Interpreter& i, const Value& v, const Arguments& a) {
  return select_items(i, v, a, true, true);
}
Value reject_attribute(Interpreter& i, const Value& v, const Arguments& a) {
  return select_items(i, v, a, false, true);
}

// --- anything ---

Value default_filter(Interpreter&, const Value& v, const Arguments& arguments) {
  const Parameters p("default", arguments, {"default_value", "boolean"});
  return v.is_undefined() || (p.flag(1) && !truth(v)) ? p.value(0, "") : v;
}

Value attr(Interpreter& i, const Value& v, const Arguments& arguments) {
  const Parameters p("attr", arguments, {"name"}, 1);
  if (v.dict() != nullptr) {
    bool mutates = false;
    if (!has_method(v, p.string(0), mutates)) return undefined("a dict has no attribute '" + p.string(0) + "'");
  }
  return i.attribute(v, p.string(0));
}

using FilterFunction = Value (*)(Interpreter&, const Value&, const Arguments&);
constexpr auto kFilters = std::to_array<std::pair<std::string_view, FilterFunction>>({
    {"abs", absolute},
    {"attr", attr},
    {"batch", batch},
    {"capitalize", capitalize_filter},
    {"center", center},
    {"count", length_filter},
    {"d", default_filter},
    {"default", default_filter},
    {"dictsort", dict_sort},
    {"e", escape},
    {"escape", escape},
    {"first", first},
    {"float", to_real},
    {"forceescape", force_escape},
    {"format", format},
    {"groupby", group_by},
    {"indent", indent},
    {"int", to_integer},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length_filter},
    {"list", list},
    {"lower", lower},
    {"map", map},
    {"max", maximum},
    {"min", minimum},
    {"reject", reject},
    {"rejectattr", reject_attribute},
    {"replace", replace},
    {"reverse", reverse},
    {"round", round_filter},
    {"safe", safe},
    {"select", select},
    {"selectattr", select_attribute},
    {"slice", slice_filter},
    {"sort", sort},
    {"string", string},
    {"sum", sum},
    {"title", title},
    {"tojson", to_json_filter},
    {"trim", trim},
    {"truncate", truncate},
    {"unique", unique},
    {"upper", upper},
    {"wordcount", word_count},
});

const FilterFunction* find_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, [](const auto& entry) { return entry.first; });
  return found != kFilters.end() ? &found->second : nullptr;
}

}  // namespace

bool is_filter(std::string_view name) {
  return find_filter(name) != nullptr;
}

Value call_filter(Interpreter& interpreter, std::string_view name, const Value& input, const Arguments& arguments) {
  const FilterFunction* filter = find_filter(name);
  if (filter == nullptr)
    throw TemplateError{"there is no filter named '" + std::string(name) + "'", "a filter of Jinja"};
  const Interpreter::Level level(interpreter);  // `map` calls filters by name
  return (*filter)(interpreter, input, arguments);
}

}  // namespace sw::jinja
