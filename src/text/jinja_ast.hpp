#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja_error.hpp"
#include "text/jinja_value.hpp"

namespace sw::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<Statement>;

enum class UnaryOperator { plus, minus, logical_not };
enum class BinaryOperator { add, subtract, multiply, divide, floor_divide, modulo, power, logical_and, logical_or };
enum class CompareOperator { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr star, double_star;  ///< *values and **mapping, where given
};

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct SequenceLiteral {
  SequenceKind kind;
  std::vector<ExpressionPtr> items;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
struct Binary {
  BinaryOperator op;
  ExpressionPtr left, right;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<CompareOperator, ExpressionPtr>> rest;
};
struct Conditional {
  ExpressionPtr condition, yes, no;  ///< `no` may be absent
};
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
struct Subscript {
  ExpressionPtr object, index;
};
struct Slice {
  ExpressionPtr object, start, stop, step;  ///< all but `object` may be absent
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct Filter {
  ExpressionPtr input;  ///< absent in {% filter %} and {% set x | f %}: the block's text
  std::string name;
  CallArguments arguments;
};
struct Test {
  ExpressionPtr input;
  std::string name;
  CallArguments arguments;
};

struct Expression {
  Position at;
  int depth;  ///< of the tree below, bounded by the parser
  std::variant<Literal, Name, SequenceLiteral, DictLiteral, Unary, Binary, Concatenation, Comparison, Conditional,
               Attribute, Subscript, Slice, Call, Filter, Test>
      node;
};

/// What {% set %}, {% for %} and {% with %} assign to: a name, a namespace's attribute, or a tuple of targets.
struct Target {
  Position at;
  std::string name;
  std::string attribute;      ///< of the namespace `name`; empty for a plain name
  std::vector<Target> items;  ///< of a tuple
  bool tuple = false;
};

/// A macro, or the body of a {% call %} block, which is the macro `caller`.
struct MacroDefinition {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  ///< of the last defaults.size() parameters
  Body body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct Text {
  std::string text;
};
struct Output {
  ExpressionPtr expression;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  ///< may be absent
  Body body;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable, condition;  ///< `condition` may be absent
  bool recursive = false;
  Body body, otherwise;
};
struct DefineMacro {
  std::shared_ptr<const MacroDefinition> macro;
};
struct CallBlock {
  std::shared_ptr<const MacroDefinition> caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
};
/// {% block %} in a template that extends none, and {% generation %}.
struct Block {
  bool sees_enclosing_scope;
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  Position at;
  std::variant<Text, Output, Set, SetBlock, If, For, DefineMacro, CallBlock, FilterBlock, With, Block, Break, Continue>
      node;
};

}  // namespace sw::jinja
