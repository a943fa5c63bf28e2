#include <algorithm>
#include <cmath>

#include "text/jinja_builtins.hpp"
#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

  void write(const Value& value, int depth) {
    budget_.step();
    if (value.is_none()) return append("null");
    if (const auto* boolean = value.as<bool>()) return append(*boolean ? "true" : "false");
    if (const auto* integer = value.as<std::int64_t>()) return append(std::to_string(*integer));
    if (const auto* real = value.as<double>()) return append(number(*real));
    if (const auto* text = value.string()) return write_string(*text);
    if (const Dict* dict = value.dict()) return write_dict(*dict, depth);
    if (const auto* sequence = value.sequence(); sequence != nullptr && (*sequence)->kind <= SequenceKind::group) {
      return write_list((*sequence)->items, depth);
    }
    throw TemplateError{"a value of type " + std::string(type_name(value)) + " has no JSON form",
                        "strings, numbers, lists and dicts"};
  }

  std::string take() { return std::move(out_); }

 private:
  void append(std::string_view text) {
    budget_.allocate(text.size());
    out_ += text;
  }

  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return repr(value);
  }

  void new_line(int depth) {
    if (!style_.indent) return;
    append("\n");
    for (int i = 0; i < depth; ++i) append(*style_.indent);
  }

  void write_list(const Values& items, int depth) {
    if (items.empty()) return append("[]");
    append("[");
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) append(style_.item_separator);
      new_line(depth + 1);
      write(items[i], depth + 1);
    }
    new_line(depth);
    append("]");
  }

  static std::string key_text(const Value& key) {
    if (const auto* text = key.string()) return *text;
    if (key.is_none()) return "null";
    if (const auto* boolean = key.as<bool>()) return *boolean ? "true" : "false";
    if (const auto* integer = key.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* real = key.as<double>()) return number(*real);
    throw TemplateError{"a " + std::string(type_name(key)) + " cannot be a key in JSON", "a string or a number"};
  }

  void write_dict(const Dict& dict, int depth) {
    if (dict.entries.empty()) return append("{}");
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::ranges::stable_sort(entries,
                               [&](const auto* a, const auto* b) { return less(a->first, b->first, budget_); });
    }
    append("{");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) append(style_.item_separator);
      new_line(depth + 1);
      write_string(key_text(entries[i]->first));
      append(style_.key_separator);
      write(entries[i]->second, depth + 1);
    }
    new_line(depth);
    append("}");
  }

  void write_unit(std::uint32_t unit) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[(unit >> shift) & 15];
  }

  void write_string(std::string_view text) {
    budget_.allocate(text.size());
    out_ += '"';
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = decode_at(text, at);
      constexpr std::string_view special = "\"\\\n\r\t\b\f", name = "\"\\nrtbf";
      const auto escape = c.value < 0x80 ? special.find(static_cast<char>(c.value)) : special.npos;
      if (escape != special.npos) {
        out_ += '\\';
        out_ += name[escape];
      } else if (c.value < 0x20 || (style_.ensure_ascii && c.value >= 0x7F && c.value < 0x10000)) {
        write_unit(c.value);
      } else if (style_.ensure_ascii && c.value >= 0x10000) {
        write_unit(0xD800 + ((c.value - 0x10000) >> 10));
        write_unit(0xDC00 + ((c.value - 0x10000) & 0x3FF));
      } else {
        out_.append(text, at, c.bytes);
      }
      at += c.bytes;
    }
    out_ += '"';
  }

  const JsonStyle& style_;
  Budget& budget_;
  std::string out_;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonWriter writer(style, budget);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace sw::jinja
