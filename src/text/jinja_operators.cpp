#include "text/jinja_operators.hpp"

#include <algorithm>
#include <cmath>

#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

std::string_view symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::add:
      return "+";
    case BinaryOperator::subtract:
      return "-";
    case BinaryOperator::multiply:
      return "*";
    case BinaryOperator::divide:
      return "/";
    case BinaryOperator::floor_divide:
      return "//";
    case BinaryOperator::modulo:
      return "%";
    case BinaryOperator::power:
      return "**";
    case BinaryOperator::logical_and:
      return "and";
    case BinaryOperator::logical_or:
      return "or";
  }
  return "?";
}

[[noreturn]] void overflow() {
  throw TemplateError{"an integer needs more than 64 bits", {}, "Use smaller numbers, or floats"};
}
[[noreturn]] void zero_division() {
  throw TemplateError{"division by zero", "a divisor other than 0"};
}

[[noreturn]] void unsupported(BinaryOperator op, const Value& left, const Value& right) {
  for (const Value* value : {&left, &right}) {
    if (const auto* missing = value->as<Undefined>()) throw TemplateError{*missing->why};
  }
  throw TemplateError{"'" + std::string(symbol(op)) + "' does not work between a " + std::string(type_name(left)) +
                          " and a " + std::string(type_name(right)),
                      {},
                      "Convert one of them, for example with the filter 'string'"};
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow();
  }
  return result;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) zero_division();
  if (b == -1) {
    std::int64_t negated = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &negated)) overflow();
    return negated;
  }
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) zero_division();
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double modulo(double a, double b) {
  if (b == 0) zero_division();
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double power(double base, double exponent) {
  if (base == 0 && exponent < 0) zero_division();
  if (base < 0 && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    throw TemplateError{"a negative number to a fractional power is not a real number"};
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    throw TemplateError{"a float needs more than 64 bits"};
  }
  return result;
}

Value on_integers(BinaryOperator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOperator::add:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::subtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::multiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return result;
    case BinaryOperator::divide:
      if (b == 0) zero_division();
      return static_cast<double>(a) / static_cast<double>(b);
    case BinaryOperator::floor_divide:
      return floor_divide(a, b);
    case BinaryOperator::modulo:
      return modulo(a, b);
    default:
      if (b < 0) return power(static_cast<double>(a), static_cast<double>(b));
      return integer_power(a, b);
  }
}

Value on_reals(BinaryOperator op, double a, double b) {
  switch (op) {
    case BinaryOperator::add:
      return a + b;
    case BinaryOperator::subtract:
      return a - b;
    case BinaryOperator::multiply:
      return a * b;
    case BinaryOperator::divide:
      if (b == 0) zero_division();
      return a / b;
    case BinaryOperator::floor_divide: {
      const double rest = modulo(a, b);
      return std::floor((a - rest) / b + 0.5);
    }
    case BinaryOperator::modulo:
      return modulo(a, b);
    default:
      return power(a, b);
  }
}

Value add_strings(const String& left, const String& right, Budget& budget) {
  const bool markup = left.markup || right.markup;
  const auto part = [&](const String& s) { return markup && !s.markup ? escape_html(*s.text) : *s.text; };
  budget.allocate(left.text->size() + right.text->size());
  return {part(left) + part(right), markup};
}

bool is_list_or_tuple(const Value& value) {
  const auto* sequence = value.sequence();
  return sequence != nullptr && ((*sequence)->kind == SequenceKind::list || (*sequence)->kind == SequenceKind::tuple);
}

Value add_sequences(const Sequence& left, const Sequence& right, Budget& budget) {
  Values items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return make_sequence(left.kind, std::move(items), budget);
}

std::optional<Value> repeat(const Value& value, std::int64_t times, Budget& budget) {
  const auto n = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  const auto charge = [&](std::size_t size) {
    std::size_t total = 0;
    budget.allocate(__builtin_mul_overflow(size, n, &total) ? SIZE_MAX : total);
  };
  if (const auto* text = value.string()) {
    charge(text->size());
    std::string out;
    if (text->empty()) return Value(std::string());
    out.reserve(text->size() * n);
    for (std::size_t i = 0; i < n; ++i) out += *text;
    return Value(std::move(out), value.as<String>()->markup);
  }
  if (!is_list_or_tuple(value)) return std::nullopt;
  const Sequence& sequence = **value.sequence();
  charge(sequence.items.size() * sizeof(Value));
  Values items;
  if (!sequence.items.empty()) {
    for (std::size_t i = 0; i < n; ++i) items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return make_sequence(sequence.kind, std::move(items), budget);
}

struct Bounds {
  std::int64_t start, stop, step, count;
};

/// PySlice_AdjustIndices
Bounds slice_bounds(std::int64_t size, const Value& start, const Value& stop, const Value& step) {
  const auto index = [](const Value& value, std::int64_t otherwise) {
    if (value.is_none()) return otherwise;
    if (const auto i = value.integer()) return *i;
    throw TemplateError{"a slice has a " + std::string(type_name(value)) + " as its bound", "an integer or none"};
  };
  Bounds b{0, 0, index(step, 1), 0};
  if (b.step == 0) throw TemplateError{"a slice has a step of zero", "a step other than 0"};
  const bool backwards = b.step < 0;
  const std::int64_t low = backwards ? -1 : 0, high = backwards ? size - 1 : size;
  const auto clamp = [&](const Value& value, std::int64_t otherwise) {
    if (value.is_none()) return otherwise;
    std::int64_t i = index(value, 0);
    if (i < 0) i = i < -size ? low : i + size;
    return std::clamp(i, low, high);
  };
  b.start = clamp(start, backwards ? high : low);
  b.stop = clamp(stop, backwards ? low : high);
  const std::int64_t distance = backwards ? b.start - b.stop : b.stop - b.start;
  const std::int64_t stride = b.step == INT64_MIN ? INT64_MAX : std::abs(b.step);
  b.count = distance > 0 ? (distance - 1) / stride + 1 : 0;
  return b;
}

Value slice_string(const String& string, const Value& start, const Value& stop, const Value& step, Budget& budget) {
  const std::string& text = *string.text;
  budget.allocate(text.size());
  const auto offsets = code_point_offsets(text);
  const Bounds b = slice_bounds(std::ssize(offsets) - 1, start, stop, step);
  std::string out;
  for (std::int64_t i = 0, at = b.start; i < b.count; ++i, at += b.step) {
    const auto from = static_cast<std::size_t>(at);
    out.append(text, offsets[from], offsets[from + 1] - offsets[from]);
    if (i + 1 == b.count) break;
  }
  return {std::move(out), string.markup};
}

}  // namespace

Value arithmetic(BinaryOperator op, const Value& left, const Value& right, Budget& budget) {
  if (const auto a = left.integer(), b = right.integer(); a && b) return on_integers(op, *a, *b);
  if (const auto a = left.number(), b = right.number(); a && b) return on_reals(op, *a, *b);
  if (op == BinaryOperator::add) {
    if (left.string() != nullptr && right.string() != nullptr) {
      return add_strings(*left.as<String>(), *right.as<String>(), budget);
    }
    if (is_list_or_tuple(left) && is_list_or_tuple(right) && (*left.sequence())->kind == (*right.sequence())->kind) {
      return add_sequences(**left.sequence(), **right.sequence(), budget);
    }
  }
  if (op == BinaryOperator::multiply) {
    if (const auto times = right.integer()) {
      if (auto repeated = repeat(left, *times, budget)) return *repeated;
    }
    if (const auto times = left.integer()) {
      if (auto repeated = repeat(right, *times, budget)) return *repeated;
    }
  }
  unsupported(op, left, right);
}

Value negate(const Value& operand) {
  if (const auto value = operand.integer()) {
    std::int64_t negated = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, *value, &negated)) overflow();
    return negated;
  }
  if (const auto value = operand.number()) return -*value;
  if (const auto* missing = operand.as<Undefined>()) throw TemplateError{*missing->why};
  throw TemplateError{"a " + std::string(type_name(operand)) + " has no sign", "a number"};
}

bool compare(CompareOperator op, const Value& left, const Value& right, Budget& budget) {
  const auto is_nan = [](const Value& value) { return value.is<double>() && std::isnan(*value.as<double>()); };
  switch (op) {
    case CompareOperator::equal:
      return equal(left, right, budget);
    case CompareOperator::not_equal:
      return !equal(left, right, budget);
    case CompareOperator::less:
      return less(left, right, budget);
    case CompareOperator::greater:
      return less(right, left, budget);
    case CompareOperator::less_equal:
      return !less(right, left, budget) && !is_nan(left) && !is_nan(right);
    case CompareOperator::greater_equal:
      return !less(left, right, budget) && !is_nan(left) && !is_nan(right);
    case CompareOperator::in:
      return contains(right, left, budget);
    case CompareOperator::not_in:
      return !contains(right, left, budget);
  }
  return false;
}

std::optional<Value> subscript(const Value& object, const Value& index, Budget& budget) {
  if (const Dict* dict = object.dict()) {
    if (!hashable(index)) return std::nullopt;
    const Value* found = dict->find(index, budget);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  const auto position = index.integer();
  if (!position) return std::nullopt;
  if (const auto* text = object.string()) {
    budget.step(text->size() / 64);
    std::int64_t skip = *position;
    if (skip < 0) skip += static_cast<std::int64_t>(count_code_points(*text));
    for (std::size_t at = 0; skip >= 0 && at < text->size(); --skip) {
      const std::size_t bytes = decode_at(*text, at).bytes;
      if (skip == 0) return Value(text->substr(at, bytes), object.as<String>()->markup);
      at += bytes;
    }
    return std::nullopt;
  }
  const auto* sequence = object.sequence();
  if (sequence == nullptr || (*sequence)->kind > SequenceKind::range) return std::nullopt;
  const Values& items = (*sequence)->items;
  const std::int64_t i = *position < 0 ? *position + std::ssize(items) : *position;
  if (i < 0 || i >= std::ssize(items)) return std::nullopt;
  return items[static_cast<std::size_t>(i)];
}

Value slice(const Value& object, const Value& start, const Value& stop, const Value& step, Budget& budget) {
  if (const auto* missing = object.as<Undefined>()) throw TemplateError{*missing->why};
  if (const auto* string = object.as<String>()) return slice_string(*string, start, stop, step, budget);
  const auto* sequence = object.sequence();
  if (sequence == nullptr || (*sequence)->kind > SequenceKind::range) {
    throw TemplateError{"a " + std::string(type_name(object)) + " cannot be sliced", "a list or a string"};
  }
  const Sequence& from = **sequence;
  const Bounds b = slice_bounds(std::ssize(from.items), start, stop, step);
  Values items;
  for (std::int64_t i = 0, at = b.start; i < b.count; ++i) {
    items.push_back(from.items[static_cast<std::size_t>(at)]);
    if (i + 1 < b.count) at += b.step;
  }
  const auto kind = from.kind == SequenceKind::group ? SequenceKind::tuple : from.kind;
  Value result = make_sequence(kind, std::move(items), budget);
  if (kind == SequenceKind::range) {
    // Unsigned, as bounds behind the end may not fit 64 bits; only the text of such a range would be wrong.
    const auto first = static_cast<std::uint64_t>(from.range[0]), stride = static_cast<std::uint64_t>(from.range[2]);
    const auto at = [&](std::int64_t i) {
      return static_cast<std::int64_t>(first + static_cast<std::uint64_t>(i) * stride);
    };
    const auto new_stride = static_cast<std::int64_t>(stride * static_cast<std::uint64_t>(b.step));
    (*result.sequence())->range = {at(b.start), at(b.stop), new_stride};
  }
  return result;
}

}  // namespace sw::jinja
