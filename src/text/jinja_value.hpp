#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_error.hpp"

namespace sw::jinja {

/// What one render may use. Each exceeded bound is an error.
struct Limits {
  std::int64_t steps = 5'000'000;  ///< expressions, statements and elements visited
  std::int64_t bytes = 256 << 20;  ///< built in all values together, freed or not
  std::int64_t output = 32 << 20;  ///< bytes of rendered text
  int depth = 400;                 ///< nested expressions, blocks and macro calls
};

/// Counts what a render uses against its Limits.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits), steps_(limits.steps), bytes_(limits.bytes) {}

  void step(std::size_t n = 1);
  void allocate(std::size_t bytes);
  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  std::int64_t steps_, bytes_;
};

class Value;
using Values = std::vector<Value>;
struct Sequence;
struct Dict;
struct Namespace;
struct Loop;
struct Macro;
struct Function;

/// The value of a name, attribute or element that does not exist: prints as nothing, is false and empty, and is an
/// error in any other operation. `why` is what that error says.
struct Undefined {
  std::shared_ptr<const std::string> why;
};
struct None {};
/// A str. Markup (from `escape` and `safe`) escapes what is added to it.
struct String {
  std::shared_ptr<const std::string> text;
  bool markup = false;
};

/// One Python value, as far as templates can tell. Shared, and immutable but for Namespace, Loop and generators.
class Value {
 public:
  using Storage = std::variant<Undefined, None, bool, std::int64_t, double, String, std::shared_ptr<Sequence>,
                               std::shared_ptr<const Dict>, std::shared_ptr<Namespace>, std::shared_ptr<Loop>,
                               std::shared_ptr<const Macro>, std::shared_ptr<const Function>>;

  Value() : storage_(None{}) {}
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value> && !std::is_convertible_v<T, std::string_view> &&
             std::is_constructible_v<Storage, T &&>)
  Value(T&& value) : storage_(std::forward<T>(value)) {}
  Value(std::string text, bool markup = false)
      : storage_(String{std::make_shared<const std::string>(std::move(text)), markup}) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}

  template <class T>
  const T* as() const {
    return std::get_if<T>(&storage_);
  }
  template <class T>
  const std::shared_ptr<T>* pointer() const {
    return std::get_if<std::shared_ptr<T>>(&storage_);
  }
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(storage_);
  }
  const Storage& storage() const { return storage_; }

  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  const std::string* string() const { return is<String>() ? as<String>()->text.get() : nullptr; }
  const std::shared_ptr<Sequence>* sequence() const { return pointer<Sequence>(); }
  const Dict* dict() const { return is<std::shared_ptr<const Dict>>() ? pointer<const Dict>()->get() : nullptr; }
  /// int or bool, as Python's bool is an int
  std::optional<std::int64_t> integer() const;
  /// int, bool or float
  std::optional<double> number() const;

 private:
  Storage storage_;
};

Value undefined(std::string why);

/// list, tuple, range, the views of a dict, and what lazy filters return.
struct Sequence {
  enum class Kind { list, tuple, group, range, keys, values, items, generator };
  Kind kind = Kind::list;
  Values items;
  int depth = 1;                                  ///< of nested containers
  std::array<std::int64_t, 3> range = {0, 0, 1};  ///< start, stop, step of a range
};

/// dict: insertion-ordered; looked up by walking, which the few keys of a message or a schema make the fastest way.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  int depth = 1;

  const Value* find(const Value& key, Budget& budget) const;
  const Value* find(std::string_view key) const;
};

/// namespace(): the only object a template can write to. The interpreter empties it when the render ends.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
  Value* find(std::string_view name);
};

/// A bound method ("upper" of a str), or a global function when there is no `self`.
struct Function {
  std::string name;
  std::optional<Value> self = {};
  int depth = 1;
};

/// Arguments of a call, evaluated.
struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> keyword;
};

using SequenceKind = Sequence::Kind;
Value make_sequence(SequenceKind kind, Values items, Budget& budget);
inline Value make_list(Values items, Budget& budget) {
  return make_sequence(SequenceKind::list, std::move(items), budget);
}
inline Value make_tuple(Values items, Budget& budget) {
  return make_sequence(SequenceKind::tuple, std::move(items), budget);
}
Value make_range(std::int64_t start, std::int64_t stop, std::int64_t step, Budget& budget);
Value make_string(std::string text, Budget& budget);
Value make_function(std::string name, std::optional<Value> self = {});

/// Builds a dict; later values of a key replace earlier ones in place, as in Python.
class DictBuilder {
 public:
  explicit DictBuilder(Budget& budget) : budget_(budget), dict_(std::make_shared<Dict>()) {}
  void set(Value key, Value value);
  void append(Value key, Value value);  ///< of a key that is known to be new and hashable
  Value finish();

 private:
  Budget& budget_;
  std::shared_ptr<Dict> dict_;
};

int nesting_depth(const Value& value);
/// Refuses values nested deeper than recursion over them can follow.
void check_depth(int depth);

std::string_view type_name(const Value& value);  ///< as Python's type(value).__name__
bool truth(const Value& value);
bool equal(const Value& a, const Value& b, Budget& budget);
bool less(const Value& a, const Value& b, Budget& budget);
bool hashable(const Value& value);
bool contains(const Value& container, const Value& item, Budget& budget);
std::optional<std::int64_t> length(const Value& value, Budget& budget);  ///< nothing where len() would fail
/// The elements of anything iterable; empties a generator.
std::shared_ptr<const Sequence> iterate(const Value& value, Budget& budget);

std::string to_text(const Value& value, Budget& budget);  ///< str(value)
std::string to_repr(const Value& value, Budget& budget);  ///< repr(value)

}  // namespace sw::jinja
