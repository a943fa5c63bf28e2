#include "text/jinja_parser.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <utility>

#include "text/jinja_lexer.hpp"

namespace sw::jinja {
namespace {

constexpr int kMaxNesting = 100;          // tags and brackets inside each other
constexpr int kMaxExpressionDepth = 250;  // of an expression's tree: long chains of `a + b + …` lean to the left

using Names = std::initializer_list<std::string_view>;

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)) {}

  Body run() { return parse_body({}); }

 private:
  // --- tokens ---

  const Token& current() const { return tokens_[at_]; }
  const Token& lookahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& advance() {
    const Token& token = tokens_[at_];
    if (token.kind != TokenKind::end) ++at_;
    return token;
  }
  bool skip_symbol(std::string_view symbol) {
    if (!current().is_symbol(symbol)) return false;
    advance();
    return true;
  }
  bool skip_name(std::string_view name) {
    if (!current().is_name(name)) return false;
    advance();
    return true;
  }
  void expect_symbol(std::string_view symbol) {
    if (!skip_symbol(symbol)) unexpected("'" + std::string(symbol) + "'");
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) unexpected("'" + std::string(name) + "'");
  }
  std::string expect_any_name() {
    if (current().kind != TokenKind::name) unexpected("a name");
    return advance().text;
  }
  void expect_kind(TokenKind kind, std::string_view expected) {
    if (current().kind != kind) unexpected(std::string(expected));
    advance();
  }
  bool is_any_name(Names names) const {
    return std::ranges::any_of(names, [this](std::string_view name) { return current().is_name(name); });
  }

  [[noreturn]] static void fail(Position at, std::string what, std::string expected = {}) {
    throw TemplateError{std::move(what), std::move(expected), {}, at};
  }
  [[noreturn]] void unexpected(std::string expected) const {
    const Token& token = current();
    fail(token.at, token.kind == TokenKind::end ? "the template ends too early" : "an unexpected '" + token.text + "'",
         std::move(expected));
  }

  /// Counts how deep the parser is in brackets and tags while it lives.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) {
        fail(parser_.current().at, "tags or brackets are nested too deeply",
             "at most " + std::to_string(kMaxNesting) + " levels");
      }
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  /// Sets a variable of the parser while it lives.
  template <class T>
  class Scoped {
   public:
    Scoped(T& variable, T value) : variable_(variable), old_(std::exchange(variable, std::move(value))) {}
    ~Scoped() { variable_ = std::move(old_); }
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;

   private:
    T& variable_;
    T old_;
  };

  // --- statements ---

  /// Statements up to a tag whose name is in `ends`, which becomes the current token.
  Body parse_body(Names ends) {
    const Nesting nesting(*this);
    Body body;
    while (true) {
      const Token& token = current();
      switch (token.kind) {
        case TokenKind::text:
          advance();
          body.push_back({token.at, Text{token.text}});
          break;
        case TokenKind::variable_begin: {
          advance();
          Output output{parse_tuple()};
          expect_kind(TokenKind::variable_end, "'}}'");
          body.push_back({token.at, std::move(output)});
          break;
        }
        case TokenKind::block_begin:
          advance();
          if (is_any_name(ends)) return body;
          parse_statement(body);
          expect_kind(TokenKind::block_end, "'%}'");
          break;
        default:
          if (ends.size() > 0) fail(token.at, "the template ends inside a block", list_of(ends));
          return body;
      }
    }
  }

  static std::string list_of(Names names) {
    std::string out;
    for (const auto name : names) out += (out.empty() ? "'{% " : " or '{% ") + std::string(name) + " %}'";
    return out;
  }

  /// The rest of a tag and the statements after it, up to one of `ends`.
  Body parse_block_body(Names ends) {
    skip_symbol(":");
    expect_kind(TokenKind::block_end, "'%}'");
    return parse_body(ends);
  }
  /// As above, up to and including the only possible end tag's name.
  Body parse_block_body(std::string_view end) {
    Body body = parse_block_body(Names{end});
    advance();
    return body;
  }

  void parse_statement(Body& body) {
    const Token& tag = current();
    if (tag.kind != TokenKind::name) unexpected("the name of a tag");
    advance();
    const auto add = [&](auto node) { body.push_back({tag.at, std::move(node)}); };
    if (tag.text == "set") return parse_set(tag.at, body);
    if (tag.text == "if") return add(parse_if());
    if (tag.text == "for") return add(parse_for());
    if (tag.text == "macro") return add(parse_macro());
    if (tag.text == "call") return add(parse_call_block());
    if (tag.text == "filter") return add(parse_filter_block());
    if (tag.text == "with") return add(parse_with());
    if (tag.text == "generation") return add(Block{true, parse_function_body("endgeneration")});
    if (tag.text == "block") return add(parse_named_block());
    if (tag.text == "print") return parse_print(body);
    if (tag.text == "break" || tag.text == "continue") {
      if (!in_loop_) fail(tag.at, "'" + tag.text + "' stands outside of a loop");
      return tag.text == "break" ? add(Break{}) : add(Continue{});
    }
    if (tag.text == "include" || tag.text == "import" || tag.text == "from" || tag.text == "extends") {
      fail(tag.at, "'" + tag.text + "' needs another template, which a chat template cannot reach",
           "a template in one piece");
    }
    if (tag.text == "autoescape") fail(tag.at, "'autoescape' is not available", "the filter 'escape'");
    fail(tag.at, "an unknown tag '" + tag.text + "'", "a tag of Jinja, closed in the order it was opened");
  }

  void parse_set(Position at, Body& body) {
    Target target = parse_target({}, true);
    if (skip_symbol("=")) {
      body.push_back({at, Set{std::move(target), parse_tuple()}});
      return;
    }
    ExpressionPtr filter = parse_filters(nullptr);
    body.push_back({at, SetBlock{std::move(target), std::move(filter), parse_block_body("endset")}});
  }

  If parse_if() {
    If node;
    while (true) {
      ExpressionPtr condition = parse_tuple(false);
      node.branches.emplace_back(std::move(condition), parse_block_body({"elif", "else", "endif"}));
      if (skip_name("elif")) continue;
      if (skip_name("else")) {
        node.otherwise = parse_block_body("endif");
      } else {
        advance();
      }
      return node;
    }
  }

  For parse_for() {
    For node;
    node.target = parse_target({"in"}, false);
    expect_name("in");
    node.iterable = parse_tuple(false, {"recursive"});
    if (skip_name("if")) node.condition = parse_expression();
    node.recursive = skip_name("recursive");
    {
      const Scoped loop(in_loop_, true);
      node.body = parse_block_body({"else", "endfor"});
    }
    if (skip_name("else")) {
      node.otherwise = parse_block_body("endfor");
    } else {
      advance();
    }
    return node;
  }

  /// The body of something that Jinja compiles to a function: break and continue do not cross it.
  Body parse_function_body(std::string_view end) {
    const Scoped loop(in_loop_, false);
    return parse_block_body(end);
  }

  void parse_signature(MacroDefinition& macro) {
    expect_symbol("(");
    while (!current().is_symbol(")")) {
      if (!macro.parameters.empty()) expect_symbol(",");
      const Position at = current().at;
      macro.parameters.push_back(expect_any_name());
      if (skip_symbol("=")) {
        macro.defaults.push_back(parse_expression());
      } else if (!macro.defaults.empty()) {
        fail(at, "a parameter without a default follows one with a default");
      }
    }
    expect_symbol(")");
  }

  /// Notes which of the special names a macro's text mentions: only those are passed to it.
  void parse_macro_body(MacroDefinition& macro, std::string_view end) {
    macro.body = parse_function_body(end);
    macro.uses_varargs = mentioned_.contains("varargs");
    macro.uses_kwargs = mentioned_.contains("kwargs");
    macro.uses_caller = mentioned_.contains("caller");
  }

  DefineMacro parse_macro() {
    auto macro = std::make_shared<MacroDefinition>();
    const std::set<std::string> outside = std::exchange(mentioned_, {});
    macro->name = expect_any_name();
    parse_signature(*macro);
    parse_macro_body(*macro, "endmacro");
    mentioned_.insert(outside.begin(), outside.end());
    return {std::move(macro)};
  }

  CallBlock parse_call_block() {
    auto caller = std::make_shared<MacroDefinition>();
    caller->name = "caller";
    const std::set<std::string> outside = std::exchange(mentioned_, {});
    if (current().is_symbol("(")) parse_signature(*caller);
    const Position at = current().at;
    ExpressionPtr call = parse_expression();
    if (!std::holds_alternative<Call>(call->node)) fail(at, "a call block needs a call", "'{% call name() %}'");
    parse_macro_body(*caller, "endcall");
    mentioned_.insert(outside.begin(), outside.end());
    return {std::move(caller), std::move(call)};
  }

  FilterBlock parse_filter_block() {
    ExpressionPtr filter = parse_filters(parse_filter(nullptr));
    return {std::move(filter), parse_block_body("endfilter")};
  }

  With parse_with() {
    With node;
    while (current().kind != TokenKind::block_end) {
      if (!node.assignments.empty()) expect_symbol(",");
      Target target = parse_target({}, false);
      expect_symbol("=");
      node.assignments.emplace_back(std::move(target), parse_expression());
    }
    node.body = parse_block_body("endwith");
    return node;
  }

  Block parse_named_block() {
    const Position at = current().at;
    const std::string name = expect_any_name();
    if (!blocks_.insert(name).second) fail(at, "block '" + name + "' is defined twice", "one block of each name");
    const bool scoped = skip_name("scoped");
    if (skip_name("required")) fail(at, "a required block needs another template", "a block with a body");
    Block block{scoped, parse_function_body("endblock")};
    skip_name(name);
    return block;
  }

  void parse_print(Body& body) {
    while (current().kind != TokenKind::block_end) {
      const Position at = current().at;
      body.push_back({at, Output{parse_expression()}});
      if (current().kind != TokenKind::block_end) expect_symbol(",");
    }
  }

  Target parse_target(Names ends, bool with_namespace) {
    const Position at = current().at;
    Target tuple{at, {}, {}, {}, true};
    bool comma = false;
    while (!is_tuple_end(ends)) {
      tuple.items.push_back(parse_single_target(with_namespace));
      if (!(comma = skip_symbol(","))) break;
    }
    if (tuple.items.empty()) unexpected("a name to assign to");
    if (tuple.items.size() == 1 && !comma) return std::move(tuple.items.front());
    return tuple;
  }

  Target parse_single_target(bool with_namespace) {
    const Nesting nesting(*this);
    const Position at = current().at;
    if (skip_symbol("(")) {
      Target target = parse_target({}, with_namespace);
      expect_symbol(")");
      return target;
    }
    if (current().kind != TokenKind::name) unexpected("a name to assign to");
    Target target{at, advance().text, {}, {}, false};
    if (is_constant(target.name)) fail(at, "'" + target.name + "' cannot be assigned to", "another name");
    if (with_namespace && skip_symbol(".")) target.attribute = expect_any_name();
    return target;
  }

  // --- expressions, from the loosest binding to the tightest ---

  template <class Node>
  static ExpressionPtr make(Position at, Node node, std::initializer_list<const Expression*> children) {
    int depth = 0;
    for (const Expression* child : children) depth = std::max(depth, child != nullptr ? child->depth : 0);
    return make_with_depth(at, std::move(node), depth);
  }
  template <class Node>
  static ExpressionPtr make_with_depth(Position at, Node node, int children_depth) {
    if (children_depth >= kMaxExpressionDepth) {
      fail(at, "an expression is too long",
           "at most " + std::to_string(kMaxExpressionDepth) + " operators inside each other");
    }
    return std::make_unique<Expression>(Expression{at, children_depth + 1, std::move(node)});
  }
  static int depth_of(const ExpressionPtr& expression) { return expression ? expression->depth : 0; }
  static int depth_of(const std::vector<ExpressionPtr>& expressions) {
    int depth = 0;
    for (const auto& expression : expressions) depth = std::max(depth, expression->depth);
    return depth;
  }
  static int depth_of(const CallArguments& arguments) {
    int depth = std::max({depth_of(arguments.positional), depth_of(arguments.star), depth_of(arguments.double_star)});
    for (const auto& [name, value] : arguments.keyword) depth = std::max(depth, value->depth);
    return depth;
  }

  static bool is_constant(std::string_view name) {
    return name == "true" || name == "True" || name == "false" || name == "False" || name == "none" || name == "None";
  }

  bool is_tuple_end(Names ends) const {
    return current().kind == TokenKind::variable_end || current().kind == TokenKind::block_end ||
           current().is_symbol(")") || is_any_name(ends);
  }

  /// An expression, or a tuple where commas follow; an empty tuple only in parentheses.
  ExpressionPtr parse_tuple(bool with_conditional = true, Names ends = {}, bool in_parentheses = false) {
    const Position at = current().at;
    std::vector<ExpressionPtr> items;
    bool comma = false;
    while (!is_tuple_end(ends)) {
      items.push_back(with_conditional ? parse_expression() : parse_or());
      if (!(comma = skip_symbol(","))) break;
    }
    if (items.size() == 1 && !comma) return std::move(items.front());
    if (items.empty() && !in_parentheses) unexpected("an expression");
    const int depth = depth_of(items);
    return make_with_depth(at, SequenceLiteral{SequenceKind::tuple, std::move(items)}, depth);
  }

  ExpressionPtr parse_expression() {
    const Nesting nesting(*this);
    const Position at = current().at;
    ExpressionPtr left = parse_or();
    while (skip_name("if")) {
      ExpressionPtr condition = parse_or();
      ExpressionPtr otherwise = skip_name("else") ? parse_expression() : nullptr;
      const std::initializer_list<const Expression*> children = {left.get(), condition.get(), otherwise.get()};
      left = make(at, Conditional{std::move(condition), std::move(left), std::move(otherwise)}, children);
    }
    return left;
  }

  ExpressionPtr binary(BinaryOperator op, Position at, ExpressionPtr left, ExpressionPtr right) {
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    return make(at, Binary{op, std::move(left), std::move(right)}, children);
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (current().is_name("or")) {
      const Position at = advance().at;
      left = binary(BinaryOperator::logical_or, at, std::move(left), parse_and());
    }
    return left;
  }

  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (current().is_name("and")) {
      const Position at = advance().at;
      left = binary(BinaryOperator::logical_and, at, std::move(left), parse_not());
    }
    return left;
  }

  ExpressionPtr parse_not() {
    if (!current().is_name("not")) return parse_comparison();
    const Nesting nesting(*this);
    const Position at = advance().at;
    return unary(UnaryOperator::logical_not, at, parse_not());
  }

  static ExpressionPtr unary(UnaryOperator op, Position at, ExpressionPtr operand) {
    const Expression* child = operand.get();
    return make(at, Unary{op, std::move(operand)}, {child});
  }

  std::optional<CompareOperator> comparison_operator() {
    constexpr std::array<std::pair<std::string_view, CompareOperator>, 6> symbols = {
        {{"==", CompareOperator::equal},
         {"!=", CompareOperator::not_equal},
         {"<", CompareOperator::less},
         {"<=", CompareOperator::less_equal},
         {">", CompareOperator::greater},
         {">=", CompareOperator::greater_equal}}};
    for (const auto& [symbol, op] : symbols) {
      if (skip_symbol(symbol)) return op;
    }
    if (skip_name("in")) return CompareOperator::in;
    if (current().is_name("not") && lookahead().is_name("in")) {
      advance();
      advance();
      return CompareOperator::not_in;
    }
    return std::nullopt;
  }

  ExpressionPtr parse_comparison() {
    const Position at = current().at;
    Comparison node{parse_sum(), {}};
    int depth = node.first->depth;
    while (const auto op = comparison_operator()) {
      node.rest.emplace_back(*op, parse_sum());
      depth = std::max(depth, node.rest.back().second->depth);
    }
    if (node.rest.empty()) return std::move(node.first);
    return make_with_depth(at, std::move(node), depth);
  }

  ExpressionPtr parse_sum() {
    ExpressionPtr left = parse_concatenation();
    while (current().is_symbol("+") || current().is_symbol("-")) {
      const Token& token = advance();
      const auto op = token.text == "+" ? BinaryOperator::add : BinaryOperator::subtract;
      left = binary(op, token.at, std::move(left), parse_concatenation());
    }
    return left;
  }

  ExpressionPtr parse_concatenation() {
    const Position at = current().at;
    std::vector<ExpressionPtr> parts;
    do {
      parts.push_back(parse_product());
    } while (skip_symbol("~"));
    if (parts.size() == 1) return std::move(parts.front());
    const int depth = depth_of(parts);
    return make_with_depth(at, Concatenation{std::move(parts)}, depth);
  }

  ExpressionPtr parse_product() {
    ExpressionPtr left = parse_power();
    while (current().is_symbol("*") || current().is_symbol("/") || current().is_symbol("//") ||
           current().is_symbol("%")) {
      const Token& token = advance();
      const auto op = token.text == "*"    ? BinaryOperator::multiply
                      : token.text == "/"  ? BinaryOperator::divide
                      : token.text == "//" ? BinaryOperator::floor_divide
                                           : BinaryOperator::modulo;
      left = binary(op, token.at, std::move(left), parse_power());
    }
    return left;
  }

  ExpressionPtr parse_power() {
    ExpressionPtr left = parse_unary(true);
    while (current().is_symbol("**")) {
      const Position at = advance().at;
      left = binary(BinaryOperator::power, at, std::move(left), parse_unary(true));
    }
    return left;
  }

  ExpressionPtr parse_unary(bool with_filters) {
    ExpressionPtr node;
    if (current().is_symbol("-") || current().is_symbol("+")) {
      const Nesting nesting(*this);
      const Token& token = advance();
      const auto op = token.text == "-" ? UnaryOperator::minus : UnaryOperator::plus;
      node = unary(op, token.at, parse_unary(false));
    } else {
      node = parse_primary();
    }
    node = parse_postfix(std::move(node));
    return with_filters ? parse_filters_and_tests(std::move(node)) : std::move(node);
  }

  ExpressionPtr parse_primary() {
    const Token& token = current();
    const auto literal = [&](Value value) { return make(token.at, Literal{std::move(value)}, {}); };
    switch (token.kind) {
      case TokenKind::name:
        advance();
        if (token.text == "true" || token.text == "True") return literal(true);
        if (token.text == "false" || token.text == "False") return literal(false);
        if (is_constant(token.text)) return literal(None{});
        mentioned_.insert(token.text);
        return make(token.at, Name{token.text}, {});
      case TokenKind::string: {
        std::string text;
        while (current().kind == TokenKind::string) text += advance().text;
        return literal(std::move(text));
      }
      case TokenKind::integer:
        advance();
        return literal(std::get<std::int64_t>(token.number));
      case TokenKind::real:
        advance();
        return literal(std::get<double>(token.number));
      default:
        if (skip_symbol("(")) {
          ExpressionPtr inner = parse_tuple(true, {}, true);
          expect_symbol(")");
          return inner;
        }
        if (skip_symbol("[")) return parse_list(token.at);
        if (skip_symbol("{")) return parse_dict(token.at);
        unexpected("an expression");
    }
  }

  ExpressionPtr parse_list(Position at) {
    std::vector<ExpressionPtr> items;
    while (!current().is_symbol("]")) {
      items.push_back(parse_expression());
      if (!current().is_symbol("]")) expect_symbol(",");
    }
    expect_symbol("]");
    const int depth = depth_of(items);
    return make_with_depth(at, SequenceLiteral{SequenceKind::list, std::move(items)}, depth);
  }

  ExpressionPtr parse_dict(Position at) {
    DictLiteral node;
    int depth = 0;
    while (!current().is_symbol("}")) {
      ExpressionPtr key = parse_expression();
      expect_symbol(":");
      ExpressionPtr value = parse_expression();
      depth = std::max({depth, key->depth, value->depth});
      node.items.emplace_back(std::move(key), std::move(value));
      if (!current().is_symbol("}")) expect_symbol(",");
    }
    expect_symbol("}");
    return make_with_depth(at, std::move(node), depth);
  }

  ExpressionPtr parse_postfix(ExpressionPtr node) {
    while (true) {
      if (current().is_symbol(".")) {
        node = parse_attribute(std::move(node));
      } else if (current().is_symbol("[")) {
        node = parse_subscript(std::move(node));
      } else if (current().is_symbol("(")) {
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_filters_and_tests(ExpressionPtr node) {
    while (true) {
      if (current().is_symbol("|")) {
        node = parse_filters(std::move(node));
      } else if (current().is_name("is")) {
        node = parse_test(std::move(node));
      } else if (current().is_symbol("(")) {
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_attribute(ExpressionPtr object) {
    const Position at = advance().at;
    const Expression* child = object.get();
    if (current().kind == TokenKind::integer) {
      const Token& index = advance();
      ExpressionPtr literal = make(index.at, Literal{std::get<std::int64_t>(index.number)}, {});
      return make(at, Subscript{std::move(object), std::move(literal)}, {child});
    }
    return make(at, Attribute{std::move(object), expect_any_name()}, {child});
  }

  ExpressionPtr parse_subscript(ExpressionPtr object) {
    const Position at = advance().at;
    std::vector<ExpressionPtr> indices;
    ExpressionPtr start, stop, step;
    bool slice = false, comma = false;
    while (!current().is_symbol("]")) {
      if (!current().is_symbol(":")) start = parse_expression();
      if (current().is_symbol(":")) {
        if (slice || comma) fail(at, "a slice stands inside a tuple", "one slice, 'start:stop:step'");
        slice = true;
        parse_slice_rest(stop, step);
      } else {
        indices.push_back(std::move(start));
      }
      if (!(comma = skip_symbol(","))) break;
      if (slice) fail(at, "a slice stands inside a tuple", "one slice, 'start:stop:step'");
    }
    expect_symbol("]");
    if (slice) {
      const std::initializer_list<const Expression*> children = {object.get(), start.get(), stop.get(), step.get()};
      return make(at, Slice{std::move(object), std::move(start), std::move(stop), std::move(step)}, children);
    }
    ExpressionPtr index;
    if (indices.size() == 1) {
      index = std::move(indices.front());
    } else {
      const int depth = depth_of(indices);
      index = make_with_depth(at, SequenceLiteral{SequenceKind::tuple, std::move(indices)}, depth);
    }
    const std::initializer_list<const Expression*> children = {object.get(), index.get()};
    return make(at, Subscript{std::move(object), std::move(index)}, children);
  }

  void parse_slice_rest(ExpressionPtr& stop, ExpressionPtr& step) {
    const auto ends = [this] { return current().is_symbol("]") || current().is_symbol(","); };
    expect_symbol(":");
    if (!ends() && !current().is_symbol(":")) stop = parse_expression();
    if (skip_symbol(":") && !ends()) step = parse_expression();
  }

  CallArguments parse_call_arguments() {
    const Position at = current().at;
    const auto ensure = [&](bool valid) {
      if (!valid) {
        fail(at, "arguments are in the wrong order", "positional, *values, name=value, **mapping");
      }
    };
    expect_symbol("(");
    CallArguments arguments;
    while (!current().is_symbol(")")) {
      if (skip_symbol("*")) {
        ensure(!arguments.star && !arguments.double_star);
        arguments.star = parse_expression();
      } else if (skip_symbol("**")) {
        ensure(!arguments.double_star);
        arguments.double_star = parse_expression();
      } else if (current().kind == TokenKind::name && lookahead().is_symbol("=")) {
        ensure(!arguments.double_star);
        parse_keyword_argument(arguments);
      } else {
        ensure(!arguments.star && !arguments.double_star && arguments.keyword.empty());
        arguments.positional.push_back(parse_expression());
      }
      if (!current().is_symbol(")")) expect_symbol(",");
    }
    expect_symbol(")");
    return arguments;
  }

  void parse_keyword_argument(CallArguments& arguments) {
    const Token& name = advance();
    advance();
    if (std::ranges::any_of(arguments.keyword, [&](const auto& given) { return given.first == name.text; })) {
      fail(name.at, "the argument '" + name.text + "' is given twice");
    }
    arguments.keyword.emplace_back(name.text, parse_expression());
  }

  ExpressionPtr parse_call(ExpressionPtr callee) {
    const Position at = callee->at;
    CallArguments arguments = parse_call_arguments();
    const int depth = std::max(callee->depth, depth_of(arguments));
    return make_with_depth(at, Call{std::move(callee), std::move(arguments)}, depth);
  }

  ExpressionPtr parse_filters(ExpressionPtr input) {
    while (skip_symbol("|")) input = parse_filter(std::move(input));
    return input;
  }

  ExpressionPtr parse_filter(ExpressionPtr input) {
    const Position at = current().at;
    std::string name = parse_dotted_name();
    CallArguments arguments;
    if (current().is_symbol("(")) arguments = parse_call_arguments();
    const int depth = std::max(depth_of(input), depth_of(arguments));
    return make_with_depth(at, Filter{std::move(input), std::move(name), std::move(arguments)}, depth);
  }

  ExpressionPtr parse_test(ExpressionPtr input) {
    const Position is_at = advance().at;
    const bool negated = skip_name("not");
    const Position at = current().at;
    std::string name = parse_dotted_name();
    CallArguments arguments;
    if (current().is_symbol("(")) {
      arguments = parse_call_arguments();
    } else if (starts_test_argument()) {
      if (current().is_name("is")) fail(current().at, "tests with 'is' cannot be chained", "'and' between two tests");
      arguments.positional.push_back(parse_postfix(parse_primary()));
    }
    const int depth = std::max(depth_of(input), depth_of(arguments));
    ExpressionPtr test = make_with_depth(at, Test{std::move(input), std::move(name), std::move(arguments)}, depth);
    return negated ? unary(UnaryOperator::logical_not, is_at, std::move(test)) : std::move(test);
  }

  bool starts_test_argument() const {
    switch (current().kind) {
      case TokenKind::name:
        return !is_any_name({"else", "or", "and"});
      case TokenKind::string:
      case TokenKind::integer:
      case TokenKind::real:
        return true;
      default:
        return current().is_symbol("[") || current().is_symbol("{");
    }
  }

  std::string parse_dotted_name() {
    std::string name = expect_any_name();
    while (skip_symbol(".")) name += "." + expect_any_name();
    return name;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  bool in_loop_ = false;
  std::set<std::string> mentioned_;  ///< names that the innermost macro reads
  std::set<std::string> blocks_;
};

}  // namespace

Body parse(std::string_view source) {
  return Parser(source).run();
}

}  // namespace sw::jinja
