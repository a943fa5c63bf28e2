#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/jinja_error.hpp"

namespace sw::jinja {

enum class TokenKind {
  text,
  block_begin,
  block_end,
  variable_begin,
  variable_end,
  name,
  string,
  integer,
  real,
  symbol,
  end
};

struct Token {
  TokenKind kind;
  std::string text;  ///< of names, symbols and text; the value of a string
  std::variant<std::monostate, std::int64_t, double> number = {};
  Position at = {};

  bool is_symbol(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

/// Splits a template with Jinja2's lexer rules under trim_blocks and lstrip_blocks, as apply_chat_template sets them:
/// the newline after a block tag and the indentation before it are not text; `-` strips all whitespace on its side,
/// `+` keeps it. The last token is `end`.
std::vector<Token> tokenize(std::string_view source);

}  // namespace sw::jinja
