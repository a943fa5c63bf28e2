#include "text/jinja_value.hpp"

#include <algorithm>
#include <cmath>

#include "text/jinja_interpreter.hpp"
#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

constexpr int kMaxValueDepth = 200;

std::string_view sequence_type(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::list:
      return "list";
    case SequenceKind::tuple:
    case SequenceKind::group:
      return "tuple";
    case SequenceKind::range:
      return "range";
    case SequenceKind::keys:
      return "dict_keys";
    case SequenceKind::values:
      return "dict_values";
    case SequenceKind::items:
      return "dict_items";
    case SequenceKind::generator:
      return "generator";
  }
  return "list";
}

bool is_tuple(SequenceKind kind) {
  return kind == SequenceKind::tuple || kind == SequenceKind::group;
}

bool equal_elements(const Values& a, const Values& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal(a[i], b[i], budget)) return false;
  }
  return true;
}

bool equal_sequences(const Sequence& a, const Sequence& b, Budget& budget) {
  if (&a == &b) return true;
  if (a.kind != b.kind && !(is_tuple(a.kind) && is_tuple(b.kind))) return false;
  if (a.kind == SequenceKind::generator || a.kind == SequenceKind::values) return false;
  return equal_elements(a.items, b.items, budget);
}

bool equal_dicts(const Dict& a, const Dict& b, Budget& budget) {
  if (&a == &b) return true;
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key, budget);
    if (other == nullptr || !equal(value, *other, budget)) return false;
  }
  return true;
}

class Writer {
 public:
  explicit Writer(Budget& budget) : budget_(budget) {}

  void repr_of(const Value& value, int depth) {
    budget_.step();
    check_depth(depth);
    if (const auto* text = value.string()) {
      const std::string quoted = repr(*text);
      append(value.as<String>()->markup ? "Markup(" + quoted + ")" : quoted);
    } else if (const auto* sequence = value.sequence()) {
      sequence_of(**sequence, depth);
    } else if (const Dict* dict = value.dict()) {
      entries_of(dict->entries, depth, [this, depth](const Value& key) { repr_of(key, depth + 1); });
    } else if (const auto* space = value.pointer<Namespace>()) {
      append("<Namespace ");
      entries_of((*space)->attributes, depth, [this](const std::string& key) { append(repr(key)); });
      append(">");
    } else {
      append(scalar(value));
    }
  }

  std::string take() { return std::move(out_); }

  static std::string scalar(const Value& value) {
    if (value.is_undefined()) return "Undefined";
    if (value.is_none()) return "None";
    if (const auto* boolean = value.as<bool>()) return *boolean ? "True" : "False";
    if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* real = value.as<double>()) return repr(*real);
    if (const auto* loop = value.pointer<Loop>()) {
      return "<LoopContext " + std::to_string((*loop)->index + 1) + "/" + std::to_string((*loop)->items->items.size()) +
             ">";
    }
    if (const auto* macro = value.pointer<const Macro>()) return "<Macro " + repr((*macro)->definition->name) + ">";
    return "<function " + (*value.pointer<const Function>())->name + ">";
  }

 private:
  void append(std::string_view text) {
    budget_.allocate(text.size());
    out_ += text;
  }

  void sequence_of(const Sequence& sequence, int depth) {
    switch (sequence.kind) {
      case SequenceKind::generator:
        return append("<generator object>");
      case SequenceKind::range:
        append("range(" + std::to_string(sequence.range[0]) + ", " + std::to_string(sequence.range[1]));
        return append(sequence.range[2] == 1 ? ")" : ", " + std::to_string(sequence.range[2]) + ")");
      case SequenceKind::list:
        return elements_of(sequence.items, "[", "]", depth);
      case SequenceKind::tuple:
      case SequenceKind::group:
        return elements_of(sequence.items, "(", sequence.items.size() == 1 ? ",)" : ")", depth);
      case SequenceKind::keys:
      case SequenceKind::values:
      case SequenceKind::items:
        append(sequence_type(sequence.kind));
        return elements_of(sequence.items, "([", "])", depth);
    }
  }

  void elements_of(const Values& items, std::string_view open, std::string_view close, int depth) {
    append(open);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) append(", ");
      repr_of(items[i], depth + 1);
    }
    append(close);
  }

  void entries_of(const auto& entries, int depth, const auto& write_key) {
    append("{");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) append(", ");
      write_key(entries[i].first);
      append(": ");
      repr_of(entries[i].second, depth + 1);
    }
    append("}");
  }

  Budget& budget_;
  std::string out_;
};

}  // namespace

void Budget::step(std::size_t n) {
  steps_ -= static_cast<std::int64_t>(n);
  if (steps_ < 0) {
    throw TemplateError{"the template did not finish within " + std::to_string(limits_.steps) + " steps",
                        {},
                        "Remove the long loop or recursion from the template"};
  }
}

void Budget::allocate(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(bytes_)) {
    throw TemplateError{"the template's values need more than " + std::to_string(limits_.bytes) + " bytes",
                        {},
                        "Shorten the texts that the template builds"};
  }
  bytes_ -= static_cast<std::int64_t>(bytes);
  step(bytes / 64);
}

std::optional<std::int64_t> Value::integer() const {
  if (const auto* value = as<std::int64_t>()) return *value;
  if (const auto* value = as<bool>()) return *value ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const auto* value = as<double>()) return *value;
  if (const auto value = integer()) return static_cast<double>(*value);
  return std::nullopt;
}

Value undefined(std::string why) {
  return Undefined{std::make_shared<const std::string>(std::move(why))};
}

const Value* Dict::find(const Value& key, Budget& budget) const {
  budget.step(entries.size() / 8);
  for (const auto& [candidate, value] : entries) {
    if (equal(candidate, key, budget)) return &value;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [candidate, value] : entries) {
    if (const auto* text = candidate.string(); text != nullptr && *text == key) return &value;
  }
  return nullptr;
}

Value* Namespace::find(std::string_view name) {
  for (auto& [candidate, value] : attributes) {
    if (candidate == name) return &value;
  }
  return nullptr;
}

int nesting_depth(const Value& value) {
  if (const auto* sequence = value.sequence()) return (*sequence)->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  if (const auto* function = value.pointer<const Function>()) return (*function)->depth;
  if (const auto* loop = value.pointer<Loop>()) return (*loop)->items->depth + 1;
  return 0;
}

void check_depth(int depth) {
  if (depth > kMaxValueDepth) {
    throw TemplateError{"a value is nested more than " + std::to_string(kMaxValueDepth) + " levels deep",
                        {},
                        "Flatten the messages, the tools or the lists that the template builds"};
  }
}

Value make_sequence(SequenceKind kind, Values items, Budget& budget) {
  budget.allocate(sizeof(Sequence) + items.size() * sizeof(Value));
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = kind;
  for (const Value& item : items) sequence->depth = std::max(sequence->depth, nesting_depth(item) + 1);
  check_depth(sequence->depth);
  sequence->items = std::move(items);
  return sequence;
}

Value make_range(std::int64_t start, std::int64_t stop, std::int64_t step, Budget& budget) {
  constexpr std::uint64_t kMaxRange = 100'000;  // jinja2.sandbox.MAX_RANGE
  if (step == 0) throw TemplateError{"range() got a step of zero", "a step other than 0"};
  const auto distance = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                                 : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
  const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (step > 0 ? start < stop : start > stop) ? (distance - 1) / stride + 1 : 0;
  if (count > kMaxRange) {
    throw TemplateError{"range() has more than " + std::to_string(kMaxRange) + " numbers", {}, "Use a smaller range"};
  }
  budget.step(count);
  Values items;
  items.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    items.emplace_back(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(step)));
  }
  Value range = make_sequence(SequenceKind::range, std::move(items), budget);
  (*range.sequence())->range = {start, stop, step};
  return range;
}

Value make_string(std::string text, Budget& budget) {
  budget.allocate(text.size());
  return Value(std::move(text));
}

Value make_function(std::string name, std::optional<Value> self) {
  const int depth = self ? nesting_depth(*self) + 1 : 1;
  check_depth(depth);
  return std::make_shared<const Function>(Function{std::move(name), std::move(self), depth});
}

void DictBuilder::set(Value key, Value value) {
  if (!hashable(key)) throw TemplateError{"a " + std::string(type_name(key)) + " cannot be the key of a dict"};
  budget_.step(dict_->entries.size() / 8);
  for (auto& [present, old] : dict_->entries) {
    if (!equal(present, key, budget_)) continue;
    dict_->depth = std::max(dict_->depth, nesting_depth(value) + 1);
    check_depth(dict_->depth);
    old = std::move(value);
    return;
  }
  append(std::move(key), std::move(value));
}

void DictBuilder::append(Value key, Value value) {
  dict_->depth = std::max({dict_->depth, nesting_depth(key) + 1, nesting_depth(value) + 1});
  check_depth(dict_->depth);
  budget_.allocate(2 * sizeof(Value));
  dict_->entries.emplace_back(std::move(key), std::move(value));
}

Value DictBuilder::finish() {
  return std::shared_ptr<const Dict>(std::move(dict_));
}

std::string_view type_name(const Value& value) {
  if (const auto* sequence = value.sequence()) return sequence_type((*sequence)->kind);
  constexpr std::array<std::string_view, std::variant_size_v<Value::Storage>> names = {
      "Undefined", "NoneType", "bool",      "int",         "float", "str",
      "list",      "dict",     "Namespace", "LoopContext", "Macro", "function"};
  return names[value.storage().index()];
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto number = value.number()) return *number != 0;
  if (const auto* text = value.string()) return !text->empty();
  if (const auto* sequence = value.sequence()) {
    return (*sequence)->kind == SequenceKind::generator || !(*sequence)->items.empty();
  }
  if (const Dict* dict = value.dict()) return !dict->entries.empty();
  return true;
}

bool equal(const Value& a, const Value& b, Budget& budget) {
  budget.step();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (const auto x = a.integer(), y = b.integer(); x && y) return *x == *y;
  if (const auto x = a.number(), y = b.number(); x && y) return *x == *y;
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() == *b.string();
  if (a.sequence() != nullptr && b.sequence() != nullptr)
    return equal_sequences(**a.sequence(), **b.sequence(), budget);
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(*a.dict(), *b.dict(), budget);
  if (a.storage().index() != b.storage().index()) return false;
  if (const auto* space = a.pointer<Namespace>()) return *space == *b.pointer<Namespace>();
  if (const auto* loop = a.pointer<Loop>()) return *loop == *b.pointer<Loop>();
  if (const auto* macro = a.pointer<const Macro>()) return *macro == *b.pointer<const Macro>();
  if (const auto* function = a.pointer<const Function>()) return *function == *b.pointer<const Function>();
  return false;
}

bool less(const Value& a, const Value& b, Budget& budget) {
  budget.step();
  if (const auto x = a.integer(), y = b.integer(); x && y) return *x < *y;
  if (const auto x = a.number(), y = b.number(); x && y) return *x < *y;
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() < *b.string();
  const auto *x = a.sequence(), *y = b.sequence();
  const auto ordered = [](const Sequence& s) { return s.kind == SequenceKind::list || is_tuple(s.kind); };
  if (x != nullptr && y != nullptr && ordered(**x) && is_tuple((*x)->kind) == is_tuple((*y)->kind)) {
    const Values &left = (*x)->items, &right = (*y)->items;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!equal(left[i], right[i], budget)) return less(left[i], right[i], budget);
    }
    return left.size() < right.size();
  }
  for (const Value* value : {&a, &b}) {
    if (const auto* missing = value->as<Undefined>()) throw TemplateError{*missing->why};
  }
  throw TemplateError{"a " + std::string(type_name(a)) + " and a " + std::string(type_name(b)) + " have no order"};
}

bool hashable(const Value& value) {
  if (value.dict() != nullptr || value.is<std::shared_ptr<Namespace>>()) return false;
  const auto* sequence = value.sequence();
  if (sequence == nullptr) return true;
  switch ((*sequence)->kind) {
    case SequenceKind::tuple:
    case SequenceKind::group:
      return std::ranges::all_of((*sequence)->items, hashable);
    case SequenceKind::range:
    case SequenceKind::generator:
      return true;
    default:
      return false;
  }
}

bool contains(const Value& container, const Value& item, Budget& budget) {
  if (const auto* text = container.string()) {
    if (item.string() == nullptr) {
      throw TemplateError{"'in' looks for a " + std::string(type_name(item)) + " in a string", "a string"};
    }
    budget.step(text->size() / 64);
    return text->find(*item.string()) != text->npos;
  }
  if (const Dict* dict = container.dict()) {
    if (!hashable(item)) throw TemplateError{"a " + std::string(type_name(item)) + " cannot be the key of a dict"};
    return dict->find(item, budget) != nullptr;
  }
  const auto sequence = iterate(container, budget);
  return std::ranges::any_of(sequence->items, [&](const Value& element) { return equal(element, item, budget); });
}

std::optional<std::int64_t> length(const Value& value, Budget& budget) {
  if (value.is_undefined()) return 0;
  if (const auto* text = value.string()) {
    budget.step(text->size() / 64);
    return static_cast<std::int64_t>(count_code_points(*text));
  }
  if (const Dict* dict = value.dict()) return std::ssize(dict->entries);
  if (const auto* loop = value.pointer<Loop>()) return std::ssize((*loop)->items->items);
  const auto* sequence = value.sequence();
  if (sequence == nullptr || (*sequence)->kind == SequenceKind::generator) return std::nullopt;
  return std::ssize((*sequence)->items);
}

std::shared_ptr<const Sequence> iterate(const Value& value, Budget& budget) {
  if (const auto* sequence = value.sequence()) {
    if ((*sequence)->kind != SequenceKind::generator) return *sequence;
    auto rest = std::make_shared<Sequence>();
    rest->kind = SequenceKind::tuple;
    rest->depth = (*sequence)->depth;
    rest->items.swap((*sequence)->items);
    return rest;
  }
  Values items;
  if (const auto* text = value.string()) {
    budget.allocate(text->size() * 2 * sizeof(Value));
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t bytes = decode_at(*text, at).bytes;
      items.emplace_back(std::string_view(*text).substr(at, bytes));
      at += bytes;
    }
  } else if (const Dict* dict = value.dict()) {
    for (const auto& entry : dict->entries) items.push_back(entry.first);
  } else if (!value.is_undefined()) {
    throw TemplateError{"a " + std::string(type_name(value)) + " is not iterable", "a list, a dict or a string"};
  }
  return *make_tuple(std::move(items), budget).sequence();
}

std::string to_text(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  if (const auto* text = value.string()) {
    budget.allocate(text->size());
    return *text;
  }
  return to_repr(value, budget);
}

std::string to_repr(const Value& value, Budget& budget) {
  Writer writer(budget);
  writer.repr_of(value, 0);
  return writer.take();
}

}  // namespace sw::jinja
