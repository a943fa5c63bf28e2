#pragma once

#include "text/jinja_ast.hpp"
#include "text/jinja_value.hpp"

/// Python's operators on values.
namespace sw::jinja {

/// +, -, *, /, //, % (not of strings) and **
Value arithmetic(BinaryOperator op, const Value& left, const Value& right, Budget& budget);
Value negate(const Value& operand);
bool compare(CompareOperator op, const Value& left, const Value& right, Budget& budget);

/// `object[index]`, or nothing where Python raises TypeError or LookupError.
std::optional<Value> subscript(const Value& object, const Value& index, Budget& budget);
/// `object[start:stop:step]`; bounds that were left out are none.
Value slice(const Value& object, const Value& start, const Value& stop, const Value& step, Budget& budget);

}  // namespace sw::jinja
