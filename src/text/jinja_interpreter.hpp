#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_ast.hpp"
#include "text/jinja_value.hpp"

namespace sw::jinja {

/// Variables of a block; names it lacks are looked up in the enclosing scopes.
struct Scope {
  std::vector<std::pair<std::string, Value>> variables;
  std::shared_ptr<Scope> parent;

  Value* find(std::string_view name);
  void set(std::string_view name, Value value);
};

/// A macro and the scope it was defined in.
struct Macro {
  std::shared_ptr<const MacroDefinition> definition;
  std::shared_ptr<Scope> scope;
};

/// The variable `loop` of a {% for %}.
struct Loop {
  std::shared_ptr<const Sequence> items;
  std::size_t index = 0;
  int depth = 0;
  const For* statement = nullptr;  ///< of a recursive loop
  std::shared_ptr<Scope> scope = {};
  std::optional<Value> changed = {};  ///< what loop.changed() saw last
};

/// Renders one template once.
class Interpreter {
 public:
  using Clock = std::function<std::tm()>;

  Interpreter(const Limits& limits, Clock clock) : budget_(limits), clock_(std::move(clock)) {}

  /// `context` is a dict of the template's variables.
  std::string render(const Body& body, const Value& context);

  /// One level of nesting while it lives; throws where the limit is reached.
  class Level {
   public:
    explicit Level(Interpreter& interpreter);
    ~Level() { --interpreter_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Interpreter& interpreter_;
  };

  // What built-in filters, tests, methods and functions may use.
  Budget& budget() { return budget_; }
  std::tm now() const { return clock_(); }
  Value attribute(const Value& object, const std::string& name);
  Value element(const Value& object, const Value& index);
  Value call(const Value& callee, Arguments arguments);
  Value make_namespace(std::vector<std::pair<std::string, Value>> attributes);
  std::string text(const Value& value) { return to_text(value, budget_); }
  Value string(std::string value) { return make_string(std::move(value), budget_); }

 private:
  enum class Flow { next, break_loop, continue_loop };
  using ScopePtr = std::shared_ptr<Scope>;

  /// A scope inside the current one while it lives.
  class InnerScope;

  Flow execute(const Body& body, std::string& out);
  Flow execute(const Statement& statement, std::string& out);
  Flow run(const Text& node, std::string& out);
  Flow run(const Output& node, std::string& out);
  Flow run(const Set& node, std::string& out);
  Flow run(const SetBlock& node, std::string& out);
  Flow run(const If& node, std::string& out);
  Flow run(const For& node, std::string& out);
  Flow run(const DefineMacro& node, std::string& out);
  Flow run(const CallBlock& node, std::string& out);
  Flow run(const FilterBlock& node, std::string& out);
  Flow run(const With& node, std::string& out);
  Flow run(const Block& node, std::string& out);
  Flow run(const Break&, std::string&) { return Flow::break_loop; }
  Flow run(const Continue&, std::string&) { return Flow::continue_loop; }
  Flow run_loop(const For& node, const Value& iterable, int depth, std::string& out);

  Value evaluate(const Expression& expression);
  Value run(const Literal& node, Position at);
  Value run(const Name& node, Position at);
  Value run(const SequenceLiteral& node, Position at);
  Value run(const DictLiteral& node, Position at);
  Value run(const Unary& node, Position at);
  Value run(const Binary& node, Position at);
  Value run(const Concatenation& node, Position at);
  Value run(const Comparison& node, Position at);
  Value run(const Conditional& node, Position at);
  Value run(const Attribute& node, Position at);
  Value run(const Subscript& node, Position at);
  Value run(const Slice& node, Position at);
  Value run(const Call& node, Position at);
  Value run(const Filter& node, Position at);
  Value run(const Test& node, Position at);

  Arguments evaluate(const CallArguments& arguments);
  Value filter_block(const Expression& filter, Value text);
  void assign(const Target& target, Value value);
  Value call_macro(const Macro& macro, Arguments arguments);
  void bind_parameters(const MacroDefinition& definition, Arguments& arguments);
  Value call_loop(const std::shared_ptr<Loop>& loop, const Arguments& arguments);
  void append(std::string& out, std::string_view text);
  void release();

  Budget budget_;
  Clock clock_;
  ScopePtr root_, scope_;
  int depth_ = 0;
  Position at_ = {1, 1};  ///< of what is evaluated now, for errors
  /// Scopes and namespaces that may hold each other in a circle; emptied when the render ends.
  std::vector<ScopePtr> captured_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace sw::jinja
