#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.hpp"

namespace sw::jinja {

class Interpreter;

/// The arguments of a call matched to the names of a built-in's parameters, as Python binds them.
class Parameters {
 public:
  Parameters(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names,
             std::size_t required = 0);

  bool has(std::size_t i) const { return values_[i] != nullptr; }
  const Value& at(std::size_t i) const { return *values_[i]; }
  Value value(std::size_t i, Value otherwise = {}) const { return has(i) ? at(i) : std::move(otherwise); }
  std::int64_t integer(std::size_t i, std::int64_t otherwise = 0) const;
  bool flag(std::size_t i, bool otherwise = false) const;
  const std::string& string(std::size_t i) const;
  /// Nothing for an argument that is absent or none.
  std::optional<std::string> optional_string(std::size_t i) const;

 private:
  std::string function_;
  std::vector<const Value*> values_;
};

bool is_filter(std::string_view name);
bool is_test(std::string_view name);
bool is_global(std::string_view name);
/// Whether Python's type of `object` has this method; `mutates` tells that the sandbox hides it.
bool has_method(const Value& object, std::string_view name, bool& mutates);

Value call_filter(Interpreter& interpreter, std::string_view name, const Value& input, const Arguments& arguments);
bool call_test(Interpreter& interpreter, std::string_view name, const Value& input, const Arguments& arguments);
Value call_method(Interpreter& interpreter, const Value& object, std::string_view name, const Arguments& arguments);
Value call_global(Interpreter& interpreter, std::string_view name, const Arguments& arguments);

/// Layout of json.dumps.
struct JsonStyle {
  std::optional<std::string> indent;  ///< of one level; nothing for one line
  std::string item_separator = ", ", key_separator = ": ";
  bool ensure_ascii = false, sort_keys = false;
};
std::string to_json(const Value& value, const JsonStyle& style, Budget& budget);

/// `format % values`
std::string format_printf(Interpreter& interpreter, std::string_view format, const Value& values);
/// `format.format(*arguments)`
std::string format_braces(Interpreter& interpreter, std::string_view format, const Arguments& arguments);

}  // namespace sw::jinja
