#include <algorithm>
#include <array>
#include <cmath>

#include "text/jinja_builtins.hpp"
#include "text/jinja_interpreter.hpp"
#include "text/jinja_operators.hpp"
#include "text/jinja_text.hpp"

/// The tests of Jinja2 (jinja2.tests).
namespace sw::jinja {
namespace {

using TestFunction = bool (*)(Interpreter&, const Value&, const Arguments&);

/// What a test compares with: call_test has checked that it is there.
const Value& other(const Arguments& arguments) {
  return arguments.positional.front();
}

template <CompareOperator op>
bool comparison(Interpreter& i, const Value& v, const Arguments& a) {
  return compare(op, v, other(a), i.budget());
}

bool remainder_is(Interpreter& i, const Value& v, const Value& divisor, std::int64_t rest) {
  if (!v.number()) {
    if (const auto* missing = v.as<Undefined>()) throw TemplateError{*missing->why};
    throw TemplateError{"a " + std::string(type_name(v)) + " has no remainder", "a number"};
  }
  return equal(arithmetic(BinaryOperator::modulo, v, divisor, i.budget()), rest, i.budget());
}

bool is_odd(Interpreter& i, const Value& v, const Arguments&) {
  return remainder_is(i, v, 2, 1);
}
bool is_even(Interpreter& i, const Value& v, const Arguments&) {
  return remainder_is(i, v, 2, 0);
}
bool is_divisible(Interpreter& i, const Value& v, const Arguments& a) {
  return remainder_is(i, v, other(a), 0);
}

bool is_defined(Interpreter&, const Value& v, const Arguments&) {
  return !v.is_undefined();
}
bool is_undefined(Interpreter&, const Value& v, const Arguments&) {
  return v.is_undefined();
}
bool is_none(Interpreter&, const Value& v, const Arguments&) {
  return v.is_none();
}
bool is_boolean(Interpreter&, const Value& v, const Arguments&) {
  return v.is<bool>();
}
bool is_true(Interpreter&, const Value& v, const Arguments&) {
  return v.is<bool>() && *v.as<bool>();
}
bool is_false(Interpreter&, const Value& v, const Arguments&) {
  return v.is<bool>() && !*v.as<bool>();
}
bool is_integer(Interpreter&, const Value& v, const Arguments&) {
  return v.is<std::int64_t>();
}
bool is_real(Interpreter&, const Value& v, const Arguments&) {
  return v.is<double>();
}
bool is_number(Interpreter&, const Value& v, const Arguments&) {
  return v.number().has_value();
}
bool is_string(Interpreter&, const Value& v, const Arguments&) {
  return v.string() != nullptr;
}
bool is_mapping(Interpreter&, const Value& v, const Arguments&) {
  return v.dict() != nullptr;
}

bool is_iterable(Interpreter&, const Value& v, const Arguments&) {
  return v.is_undefined() || v.string() != nullptr || v.dict() != nullptr || v.sequence() != nullptr ||
         v.is<std::shared_ptr<Loop>>();
}

bool is_sequence(Interpreter&, const Value& v, const Arguments&) {
  const auto* sequence = v.sequence();
  return v.is_undefined() || v.string() != nullptr || v.dict() != nullptr ||
         (sequence != nullptr && (*sequence)->kind <= SequenceKind::range);
}

bool is_callable(Interpreter&, const Value& v, const Arguments&) {
  return v.is_undefined() || v.is<std::shared_ptr<const Macro>>() || v.is<std::shared_ptr<const Function>>() ||
         v.is<std::shared_ptr<Loop>>();
}

/// str.islower and str.isupper: some letter has this case and none has the other.
bool has_case(const std::string& text, bool (*wanted)(char32_t), bool (*unwanted)(char32_t)) {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (unwanted(c.value)) return false;
    found = found || wanted(c.value);
    at += c.bytes;
  }
  return found;
}
bool is_lower_test(Interpreter& i, const Value& v, const Arguments&) {
  return has_case(i.text(v), is_lower, is_upper);
}
bool is_upper_test(Interpreter& i, const Value& v, const Arguments&) {
  return has_case(i.text(v), is_upper, is_lower);
}

bool is_same(Interpreter& i, const Value& v, const Arguments& a) {
  const Value& b = other(a);
  if (v.storage().index() != b.storage().index()) return false;
  if (v.sequence() != nullptr) return *v.sequence() == *b.sequence();
  if (v.dict() != nullptr) return v.dict() == b.dict();
  return equal(v, b, i.budget());
}

bool is_escaped(Interpreter&, const Value& v, const Arguments&) {
  return v.is<String>() && v.as<String>()->markup;
}

bool names_filter(Interpreter&, const Value& v, const Arguments&) {
  return v.string() != nullptr && is_filter(*v.string());
}
bool names_test(Interpreter&, const Value& v, const Arguments&) {
  return v.string() != nullptr && is_test(*v.string());
}

struct Entry {
  std::string_view name;
  TestFunction function;
  std::size_t arguments = 0;
};
constexpr auto kTests = std::to_array<Entry>({
    {"!=", comparison<CompareOperator::not_equal>, 1},
    {"<", comparison<CompareOperator::less>, 1},
    {"<=", comparison<CompareOperator::less_equal>, 1},
    {"==", comparison<CompareOperator::equal>, 1},
    {">", comparison<CompareOperator::greater>, 1},
    {">=", comparison<CompareOperator::greater_equal>, 1},
    {"boolean", is_boolean},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible, 1},
    {"eq", comparison<CompareOperator::equal>, 1},
    {"equalto", comparison<CompareOperator::equal>, 1},
    {"escaped", is_escaped},
    {"even", is_even},
    {"false", is_false},
    {"filter", names_filter},
    {"float", is_real},
    {"ge", comparison<CompareOperator::greater_equal>, 1},
    {"greaterthan", comparison<CompareOperator::greater>, 1},
    {"gt", comparison<CompareOperator::greater>, 1},
    {"in", comparison<CompareOperator::in>, 1},
    {"integer", is_integer},
    {"iterable", is_iterable},
    {"le", comparison<CompareOperator::less_equal>, 1},
    {"lessthan", comparison<CompareOperator::less>, 1},
    {"lower", is_lower_test},
    {"lt", comparison<CompareOperator::less>, 1},
    {"mapping", is_mapping},
    {"ne", comparison<CompareOperator::not_equal>, 1},
    {"none", is_none},
    {"number", is_number},
    {"odd", is_odd},
    {"sameas", is_same, 1},
    {"sequence", is_sequence},
    {"string", is_string},
    {"test", names_test},
    {"true", is_true},
    {"undefined", is_undefined},
    {"upper", is_upper_test},
});

const Entry* find_test(std::string_view name) {
  const auto found = std::ranges::find(kTests, name, &Entry::name);
  return found != kTests.end() ? &*found : nullptr;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_test(name) != nullptr;
}

bool call_test(Interpreter& interpreter, std::string_view name, const Value& input, const Arguments& arguments) {
  const Entry* test = find_test(name);
  if (test == nullptr) throw TemplateError{"there is no test named '" + std::string(name) + "'", "a test of Jinja"};
  if (arguments.positional.size() != test->arguments || !arguments.keyword.empty()) {
    throw TemplateError{
        "the test '" + std::string(name) + "' got " + std::to_string(arguments.positional.size()) + " arguments",
        std::to_string(test->arguments)};
  }
  return test->function(interpreter, input, arguments);
}

}  // namespace sw::jinja
