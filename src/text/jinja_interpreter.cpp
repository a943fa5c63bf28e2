#include "text/jinja_interpreter.hpp"

#include <algorithm>

#include "text/jinja_builtins.hpp"
#include "text/jinja_operators.hpp"

namespace sw::jinja {

Value* Scope::find(std::string_view name) {
  for (auto& [candidate, value] : variables) {
    if (candidate == name) return &value;
  }
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  if (Value* present = find(name)) {
    *present = std::move(value);
  } else {
    variables.emplace_back(std::string(name), std::move(value));
  }
}

Interpreter::Level::Level(Interpreter& interpreter) : interpreter_(interpreter) {
  const int limit = interpreter_.budget_.limits().depth;
  if (interpreter_.depth_ >= limit) {
    throw TemplateError{
        "blocks, expressions and macro calls are nested more than " + std::to_string(limit) + " levels deep",
        {},
        "Check that the template's macros do not call themselves without end"};
  }
  ++interpreter_.depth_;
  interpreter_.budget_.step();
}

class Interpreter::InnerScope {
 public:
  InnerScope(Interpreter& interpreter, const ScopePtr& parent)
      : interpreter_(interpreter),
        outer_(std::exchange(interpreter.scope_, std::make_shared<Scope>(Scope{{}, parent}))) {}
  ~InnerScope() {
    if (interpreter_.scope_.use_count() > 1) interpreter_.captured_.push_back(interpreter_.scope_);
    interpreter_.scope_ = std::move(outer_);
  }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;

 private:
  Interpreter& interpreter_;
  ScopePtr outer_;
};

std::string Interpreter::render(const Body& body, const Value& context) {
  root_ = scope_ = std::make_shared<Scope>();
  for (const auto& [name, value] : context.dict()->entries) root_->variables.emplace_back(*name.string(), value);
  std::string out;
  try {
    execute(body, out);
  } catch (TemplateError& error) {
    if (!error.at) error.at = at_;
    release();
    throw;
  } catch (...) {
    release();
    throw;
  }
  release();
  return out;
}

void Interpreter::release() {
  captured_.push_back(std::exchange(root_, nullptr));
  scope_ = nullptr;
  for (const auto& space : namespaces_) space->attributes.clear();
  for (const ScopePtr& scope : captured_) scope->variables.clear();
  namespaces_.clear();
  captured_.clear();
}

void Interpreter::append(std::string& out, std::string_view text) {
  if (static_cast<std::int64_t>(out.size() + text.size()) > budget_.limits().output) {
    throw TemplateError{"the text grows beyond " + std::to_string(budget_.limits().output) + " bytes",
                        {},
                        "Shorten the conversation, or correct the template's loops"};
  }
  budget_.allocate(text.size());
  out += text;
}

// --- statements ---

Interpreter::Flow Interpreter::execute(const Body& body, std::string& out) {
  for (const Statement& statement : body) {
    if (const Flow flow = execute(statement, out); flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, std::string& out) {
  const Level level(*this);
  at_ = statement.at;
  return std::visit([&](const auto& node) { return run(node, out); }, statement.node);
}

Interpreter::Flow Interpreter::run(const Text& node, std::string& out) {
  append(out, node.text);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Output& node, std::string& out) {
  const Value value = evaluate(*node.expression);
  if (const auto* string = value.string()) {
    append(out, *string);
  } else {
    append(out, text(value));
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Set& node, std::string&) {
  assign(node.target, evaluate(*node.value));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const SetBlock& node, std::string&) {
  std::string body;
  {
    const InnerScope scope(*this, scope_);
    if (const Flow flow = execute(node.body, body); flow != Flow::next) return flow;
  }
  Value value = string(std::move(body));
  if (node.filter) value = filter_block(*node.filter, std::move(value));
  assign(node.target, std::move(value));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const If& node, std::string& out) {
  for (const auto& [condition, body] : node.branches) {
    if (truth(evaluate(*condition))) return execute(body, out);
  }
  return execute(node.otherwise, out);
}

Interpreter::Flow Interpreter::run(const For& node, std::string& out) {
  return run_loop(node, evaluate(*node.iterable), 0, out);
}

Interpreter::Flow Interpreter::run_loop(const For& node, const Value& iterable, int depth, std::string& out) {
  std::shared_ptr<const Sequence> items = iterate(iterable, budget_);
  if (node.condition) {
    Values kept;
    for (const Value& item : items->items) {
      budget_.step(4);
      const InnerScope scope(*this, scope_);
      assign(node.target, item);
      if (truth(evaluate(*node.condition))) kept.push_back(item);
    }
    items = *make_list(std::move(kept), budget_).sequence();
  }
  const auto loop = std::make_shared<Loop>(Loop{items, 0, depth, node.recursive ? &node : nullptr, scope_});
  check_depth(items->depth + 1);
  struct End {  // a loop that outlives its statement must not hold itself or its scope
    Loop& loop;
    ~End() {
      loop.changed.reset();
      loop.scope.reset();
    }
  } const end{*loop};
  bool completed_one = false;  // Jinja2 runs the else branch, too, after a loop that every pass left early
  for (loop->index = 0; loop->index < items->items.size(); ++loop->index) {
    budget_.step(4);  // a scope costs about as much as four expressions
    const InnerScope scope(*this, scope_);
    scope_->set("loop", loop);
    assign(node.target, items->items[loop->index]);
    const Flow flow = execute(node.body, out);
    if (flow == Flow::break_loop) break;
    completed_one = completed_one || flow == Flow::next;
  }
  if (completed_one) return Flow::next;
  const InnerScope scope(*this, scope_);
  return execute(node.otherwise, out);
}

Interpreter::Flow Interpreter::run(const DefineMacro& node, std::string&) {
  scope_->set(node.macro->name, std::make_shared<const Macro>(Macro{node.macro, scope_}));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const CallBlock& node, std::string& out) {
  const auto& call_node = std::get<Call>(node.call->node);
  const Value callee = evaluate(*call_node.callee);
  Arguments arguments = evaluate(call_node.arguments);
  arguments.keyword.emplace_back("caller", std::make_shared<const Macro>(Macro{node.caller, scope_}));
  at_ = node.call->at;
  append(out, text(call(callee, std::move(arguments))));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const FilterBlock& node, std::string& out) {
  std::string body;
  {
    const InnerScope scope(*this, scope_);
    if (const Flow flow = execute(node.body, body); flow != Flow::next) return flow;
  }
  append(out, text(filter_block(*node.filter, string(std::move(body)))));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const With& node, std::string& out) {
  Values values;
  for (const auto& [target, value] : node.assignments) values.push_back(evaluate(*value));
  const InnerScope scope(*this, scope_);
  for (std::size_t i = 0; i < values.size(); ++i) assign(node.assignments[i].first, std::move(values[i]));
  return execute(node.body, out);
}

Interpreter::Flow Interpreter::run(const Block& node, std::string& out) {
  const InnerScope scope(*this, node.sees_enclosing_scope ? scope_ : root_);
  return execute(node.body, out);
}

void Interpreter::assign(const Target& target, Value value) {
  if (target.tuple) {
    const auto items = iterate(value, budget_);
    if (items->items.size() != target.items.size()) {
      throw TemplateError{std::to_string(items->items.size()) + " values are assigned to " +
                              std::to_string(target.items.size()) + " names",
                          {},
                          {},
                          target.at};
    }
    for (std::size_t i = 0; i < target.items.size(); ++i) assign(target.items[i], items->items[i]);
    return;
  }
  if (target.attribute.empty()) {
    budget_.step(scope_->variables.size() / 8);
    scope_->set(target.name, std::move(value));
    return;
  }
  const Value object = run(Name{target.name}, target.at);
  const auto* space = object.pointer<Namespace>();
  if (space == nullptr) {
    throw TemplateError{"'" + target.name + "' is a " + std::string(type_name(object)) + " and takes no attributes",
                        "a namespace", "Create it with '{% set " + target.name + " = namespace() %}'", target.at};
  }
  if (target.attribute.starts_with('_')) {
    throw TemplateError{"a namespace takes no attribute that starts with '_'", {}, "Rename it", target.at};
  }
  budget_.step((*space)->attributes.size() / 8);
  if (Value* present = (*space)->find(target.attribute)) {
    *present = std::move(value);
  } else {
    (*space)->attributes.emplace_back(target.attribute, std::move(value));
  }
}

// --- expressions ---

Value Interpreter::evaluate(const Expression& expression) {
  const Level level(*this);
  at_ = expression.at;
  return std::visit([&](const auto& node) { return run(node, expression.at); }, expression.node);
}

Value Interpreter::run(const Literal& node, Position) {
  return node.value;
}

Value Interpreter::run(const Name& node, Position) {
  for (Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    budget_.step(scope->variables.size() / 8);
    if (const Value* value = scope->find(node.name)) return *value;
  }
  if (is_global(node.name)) return make_function(node.name);
  return undefined("'" + node.name + "' is undefined");
}

Value Interpreter::run(const SequenceLiteral& node, Position) {
  Values items;
  items.reserve(node.items.size());
  for (const auto& item : node.items) items.push_back(evaluate(*item));
  return make_sequence(node.kind, std::move(items), budget_);
}

Value Interpreter::run(const DictLiteral& node, Position at) {
  DictBuilder dict(budget_);
  for (const auto& [key, value] : node.items) {
    Value evaluated_key = evaluate(*key);
    Value evaluated_value = evaluate(*value);
    at_ = at;
    dict.set(std::move(evaluated_key), std::move(evaluated_value));
  }
  return dict.finish();
}

Value Interpreter::run(const Unary& node, Position at) {
  const Value operand = evaluate(*node.operand);
  at_ = at;
  switch (node.op) {
    case UnaryOperator::logical_not:
      return !truth(operand);
    case UnaryOperator::minus:
      return negate(operand);
    case UnaryOperator::plus:
      return negate(negate(operand));
  }
  return {};
}

Value Interpreter::run(const Binary& node, Position at) {
  Value left = evaluate(*node.left);
  if (node.op == BinaryOperator::logical_and) return truth(left) ? evaluate(*node.right) : left;
  if (node.op == BinaryOperator::logical_or) return truth(left) ? left : evaluate(*node.right);
  const Value right = evaluate(*node.right);
  at_ = at;
  if (node.op == BinaryOperator::modulo && left.string() != nullptr && !right.is_undefined()) {
    return string(format_printf(*this, *left.string(), right));
  }
  return arithmetic(node.op, left, right, budget_);
}

Value Interpreter::run(const Concatenation& node, Position) {
  std::string out;
  for (const auto& part : node.parts) append(out, text(evaluate(*part)));
  return Value(std::move(out));
}

Value Interpreter::run(const Comparison& node, Position at) {
  Value left = evaluate(*node.first);
  for (const auto& [op, operand] : node.rest) {
    Value right = evaluate(*operand);
    at_ = at;
    if (!jinja::compare(op, left, right, budget_)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::run(const Conditional& node, Position) {
  if (truth(evaluate(*node.condition))) return evaluate(*node.yes);
  if (node.no) return evaluate(*node.no);
  return undefined("the inline if-expression was false and has no else");
}

Value Interpreter::run(const Attribute& node, Position at) {
  const Value object = evaluate(*node.object);
  at_ = at;
  return attribute(object, node.name);
}

Value Interpreter::run(const Subscript& node, Position at) {
  const Value object = evaluate(*node.object);
  const Value index = evaluate(*node.index);
  at_ = at;
  return element(object, index);
}

Value Interpreter::run(const Slice& node, Position at) {
  const Value object = evaluate(*node.object);
  const Value start = node.start ? evaluate(*node.start) : Value();
  const Value stop = node.stop ? evaluate(*node.stop) : Value();
  const Value step = node.step ? evaluate(*node.step) : Value();
  at_ = at;
  return slice(object, start, stop, step, budget_);
}

Value Interpreter::run(const Call& node, Position at) {
  const Value callee = evaluate(*node.callee);
  Arguments arguments = evaluate(node.arguments);
  at_ = at;
  return call(callee, std::move(arguments));
}

Value Interpreter::run(const Filter& node, Position at) {
  const Value input = evaluate(*node.input);
  const Arguments arguments = evaluate(node.arguments);
  at_ = at;
  return call_filter(*this, node.name, input, arguments);
}

Value Interpreter::run(const Test& node, Position at) {
  const Value input = evaluate(*node.input);
  const Arguments arguments = evaluate(node.arguments);
  at_ = at;
  return call_test(*this, node.name, input, arguments);
}

Value Interpreter::filter_block(const Expression& expression, Value text) {
  const auto& filter = std::get<Filter>(expression.node);
  if (filter.input) text = filter_block(*filter.input, std::move(text));
  const Arguments arguments = evaluate(filter.arguments);
  at_ = expression.at;
  return call_filter(*this, filter.name, text, arguments);
}

Arguments Interpreter::evaluate(const CallArguments& given) {
  Arguments arguments;
  for (const auto& value : given.positional) arguments.positional.push_back(evaluate(*value));
  for (const auto& [name, value] : given.keyword) arguments.keyword.emplace_back(name, evaluate(*value));
  if (given.star) {
    const auto items = iterate(evaluate(*given.star), budget_);
    arguments.positional.insert(arguments.positional.end(), items->items.begin(), items->items.end());
  }
  if (given.double_star) {
    const Value mapping = evaluate(*given.double_star);
    if (mapping.dict() == nullptr) throw TemplateError{"'**' takes a " + std::string(type_name(mapping)), "a dict"};
    for (const auto& [key, value] : mapping.dict()->entries) {
      if (key.string() == nullptr) throw TemplateError{"an argument's name is not a string", "a dict with string keys"};
      arguments.keyword.emplace_back(*key.string(), value);
    }
  }
  budget_.allocate((arguments.positional.size() + arguments.keyword.size()) * sizeof(Value));
  return arguments;
}

// --- attributes and calls ---

namespace {

[[noreturn]] void fail_undefined(const Value& value) {
  throw TemplateError{*value.as<Undefined>()->why};
}

std::optional<Value> loop_attribute(const Value& value, const std::string& name) {
  const auto& loop = *value.pointer<Loop>();
  const Values& items = loop->items->items;
  const auto index = static_cast<std::int64_t>(loop->index);
  const std::int64_t size = std::ssize(items);
  if (name == "index") return index + 1;
  if (name == "index0") return index;
  if (name == "revindex") return size - index;
  if (name == "revindex0") return size - index - 1;
  if (name == "first") return index == 0;
  if (name == "last") return index + 1 >= size;
  if (name == "length") return size;
  if (name == "depth") return std::int64_t{loop->depth} + 1;
  if (name == "depth0") return std::int64_t{loop->depth};
  if (name == "previtem") {
    return index == 0 || index > size ? undefined("there is no previous item") : items[loop->index - 1];
  }
  if (name == "nextitem") return index + 1 >= size ? undefined("there is no next item") : items[loop->index + 1];
  if (name == "cycle" || name == "changed") return make_function(name, value);
  return std::nullopt;
}

/// What Python's getattr finds, if anything.
std::optional<Value> own_attribute(const Value& object, const std::string& name) {
  if (object.is<std::shared_ptr<Loop>>()) return loop_attribute(object, name);
  if (const auto* space = object.pointer<Namespace>()) {
    const Value* value = (*space)->find(name);
    return value != nullptr ? std::optional(*value) : std::nullopt;
  }
  if (const auto* macro = object.pointer<const Macro>(); macro != nullptr && name == "name") {
    return Value((*macro)->definition->name);
  }
  if (const auto* sequence = object.sequence(); sequence != nullptr && (*sequence)->kind == SequenceKind::group) {
    if (name == "grouper") return (*sequence)->items[0];
    if (name == "list") return (*sequence)->items[1];
  }
  bool mutates = false;
  if (!has_method(object, name, mutates)) return std::nullopt;
  if (mutates)
    return undefined("'" + name + "' would change a " + std::string(type_name(object)) + ", which is unsafe");
  return make_function(name, object);
}

Value missing(const Value& object, const std::string& name) {
  return undefined("'" + std::string(type_name(object)) + " object' has no attribute '" + name + "'");
}

}  // namespace

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) fail_undefined(object);
  if (auto value = own_attribute(object, name)) return *std::move(value);
  if (const Dict* dict = object.dict()) {
    budget_.step(dict->entries.size() / 8);
    if (const Value* value = dict->find(name)) return *value;
  }
  return missing(object, name);
}

Value Interpreter::element(const Value& object, const Value& index) {
  if (object.is_undefined()) fail_undefined(object);
  if (auto value = subscript(object, index, budget_)) return *std::move(value);
  const auto* name = index.string();
  if (name == nullptr)
    return undefined("'" + std::string(type_name(object)) + " object' has no element " + to_repr(index, budget_));
  if (auto value = own_attribute(object, *name)) return *std::move(value);
  return missing(object, *name);
}

Value Interpreter::make_namespace(std::vector<std::pair<std::string, Value>> attributes) {
  budget_.allocate(sizeof(Namespace) + attributes.size() * sizeof(Value));
  namespaces_.push_back(std::make_shared<Namespace>(Namespace{std::move(attributes)}));
  return namespaces_.back();
}

Value Interpreter::call(const Value& callee, Arguments arguments) {
  const Level level(*this);
  if (callee.is_undefined()) fail_undefined(callee);
  if (const auto* macro = callee.pointer<const Macro>()) return call_macro(**macro, std::move(arguments));
  if (const auto* loop = callee.pointer<Loop>()) return call_loop(*loop, arguments);
  const auto* function = callee.pointer<const Function>();
  if (function == nullptr)
    throw TemplateError{"a " + std::string(type_name(callee)) + " is called", "a macro or a function"};
  const Function& target = **function;
  return target.self ? call_method(*this, *target.self, target.name, arguments)
                     : call_global(*this, target.name, arguments);
}

Value Interpreter::call_loop(const std::shared_ptr<Loop>& loop, const Arguments& arguments) {
  if (loop->statement == nullptr || loop->scope == nullptr) {
    throw TemplateError{"'loop' is called, but it is not recursive or has ended", "'{% for … recursive %}'"};
  }
  const Parameters parameters("loop", arguments, {"iterable"}, 1);
  const ScopePtr outer = std::exchange(scope_, loop->scope);
  std::string out;
  try {
    run_loop(*loop->statement, parameters.at(0), loop->depth + 1, out);
  } catch (...) {
    scope_ = outer;
    throw;
  }
  scope_ = outer;
  return Value(std::move(out));
}

Value Interpreter::call_macro(const Macro& macro, Arguments arguments) {
  const InnerScope scope(*this, macro.scope);
  bind_parameters(*macro.definition, arguments);
  std::string out;
  execute(macro.definition->body, out);
  return Value(std::move(out));
}

/// Sets a macro's parameters in the current scope, as jinja2.runtime.Macro binds them.
void Interpreter::bind_parameters(const MacroDefinition& macro, Arguments& arguments) {
  const auto take_keyword = [&](std::string_view name) -> std::optional<Value> {
    const auto found = std::ranges::find(arguments.keyword, name, [](const auto& given) { return given.first; });
    if (found == arguments.keyword.end()) return std::nullopt;
    Value value = std::move(found->second);
    arguments.keyword.erase(found);
    return value;
  };
  const std::size_t n = macro.parameters.size();
  const std::size_t first_default = n - macro.defaults.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::string& name = macro.parameters[i];
    std::optional<Value> value;
    if (i < arguments.positional.size()) {
      value = arguments.positional[i];
    } else {
      value = take_keyword(name);
    }
    if (!value && i >= first_default) value = evaluate(*macro.defaults[i - first_default]);
    if (!value) value = undefined("parameter '" + name + "' was not provided");
    scope_->set(name, *std::move(value));
  }
  const bool has_caller_parameter = std::ranges::find(macro.parameters, "caller") != macro.parameters.end();
  if (macro.uses_caller && !has_caller_parameter) {
    scope_->set("caller", take_keyword("caller").value_or(undefined("No caller defined")));
  }
  if (macro.uses_kwargs) {
    DictBuilder rest(budget_);
    for (auto& [name, value] : arguments.keyword) rest.set(name, std::move(value));
    scope_->set("kwargs", rest.finish());
  } else if (!arguments.keyword.empty()) {
    throw TemplateError{"macro '" + macro.name + "' takes no argument '" + arguments.keyword.front().first + "'"};
  }
  if (macro.uses_varargs) {
    Values rest;
    for (std::size_t i = n; i < arguments.positional.size(); ++i) rest.push_back(std::move(arguments.positional[i]));
    scope_->set("varargs", make_tuple(std::move(rest), budget_));
  } else if (arguments.positional.size() > n) {
    throw TemplateError{"macro '" + macro.name + "' takes at most " + std::to_string(n) + " arguments"};
  }
}

}  // namespace sw::jinja
