#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sw {

using ByteSet = std::bitset<256>;

struct ByteExpression;
/// An expression over bytes, immutable and shared: a regular expression that may also call rules of a grammar.
using Expression = std::shared_ptr<const ByteExpression>;

struct ByteExpression {
  enum class Kind { byte, sequence, choice, repeat, rule };
  Kind kind = Kind::sequence;
  ByteSet bytes;                  ///< byte: one of these
  std::vector<Expression> parts;  ///< sequence, choice; repeat: one
  int min = 0, max = 0;           ///< repeat; max −1: any number
  int rule = 0;                   ///< rule: its number in the grammar
};

Expression byte_of(const ByteSet& bytes);
Expression byte_range(unsigned char first, unsigned char last);
Expression literal(std::string_view text);
Expression sequence(std::vector<Expression> parts);  ///< of none: the empty text
Expression choice(std::vector<Expression> parts);    ///< of none: nothing matches
Expression repeat(Expression part, int min, int max);
Expression optional(Expression part);
Expression call_rule(int rule);

/// Code points, as ranges with both ends in them.
using CodePoints = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
inline constexpr std::uint32_t last_code_point = 0x10FFFF;

/// Sorted, without overlap, and without the surrogates, which UTF-8 has no bytes for.
CodePoints normalized(CodePoints set);
CodePoints complement(const CodePoints& set);
CodePoints intersection(const CodePoints& a, const CodePoints& b);
/// The UTF-8 of one code point of the set.
Expression utf8(const CodePoints& set);

}  // namespace sw
