#pragma once

#include <string_view>

#include "base/error.hpp"
#include "decode/byte_expression.hpp"

namespace sw {

/// What a regular expression's matches are written as.
enum class RegexText {
  plain,        ///< UTF-8; the whole text matches, ^ and $ at its ends change nothing
  json_string,  ///< the inside of a JSON string; as in JSON schema a match may lie anywhere unless ^ and $ bind it
};

/// The language of a regular expression in the syntax of ECMAScript: literals, ., [], \d \w \s and their complements,
/// \xHH \uHHHH \u{H…}, groups, |, *, +, ?, {m}, {m,}, {m,n}. What no automaton can do (references back, look-around,
/// word boundaries) is an Error.
Result<Expression> parse_regex(std::string_view pattern, RegexText text = RegexText::plain);

/// One character inside a JSON string, escaped where it must be; characters that need \u escapes are left out.
Expression json_character(const CodePoints& set);

}  // namespace sw
