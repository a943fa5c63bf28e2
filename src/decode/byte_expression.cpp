#include "decode/byte_expression.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sw {
namespace {

Expression make(ByteExpression expression) {
  return std::make_shared<const ByteExpression>(std::move(expression));
}

std::string encode(std::uint32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

/// Appends expressions for [first, last], both of the same length in UTF-8. A range is cut where its trailing bytes do
/// not run through all of their values, so that each piece is a product of byte ranges (Ken Thompson's construction).
void append_ranges(std::uint32_t first, std::uint32_t last, std::vector<Expression>& out) {
  for (int n_tail = 1; n_tail < 4; ++n_tail) {
    const std::uint32_t mask = (1u << (6 * n_tail)) - 1;
    if ((first & ~mask) == (last & ~mask) || last < 0x80) continue;
    if ((first & mask) != 0) {
      append_ranges(first, first | mask, out);
      append_ranges((first | mask) + 1, last, out);
      return;
    }
    if ((last & mask) != mask) {
      append_ranges(first, (last & ~mask) - 1, out);
      append_ranges(last & ~mask, last, out);
      return;
    }
  }
  const std::string low = encode(first), high = encode(last);
  std::vector<Expression> bytes;
  for (std::size_t i = 0; i < low.size(); ++i)
    bytes.push_back(byte_range(static_cast<unsigned char>(low[i]), static_cast<unsigned char>(high[i])));
  out.push_back(sequence(std::move(bytes)));
}

}  // namespace

Expression byte_of(const ByteSet& bytes) {
  return make({.kind = ByteExpression::Kind::byte, .bytes = bytes, .parts = {}});
}

Expression byte_range(unsigned char first, unsigned char last) {
  ByteSet bytes;
  for (std::size_t c = first; c <= last; ++c) bytes.set(c);
  return byte_of(bytes);
}

Expression literal(std::string_view text) {
  std::vector<Expression> bytes;
  for (char c : text) bytes.push_back(byte_range(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
  return sequence(std::move(bytes));
}

Expression sequence(std::vector<Expression> parts) {
  if (parts.size() == 1) return parts.front();
  return make({.kind = ByteExpression::Kind::sequence, .bytes = {}, .parts = std::move(parts)});
}

Expression choice(std::vector<Expression> parts) {
  if (parts.size() == 1) return parts.front();
  return make({.kind = ByteExpression::Kind::choice, .bytes = {}, .parts = std::move(parts)});
}

Expression repeat(Expression part, int min, int max) {
  std::vector<Expression> parts;
  parts.push_back(std::move(part));
  return make({.kind = ByteExpression::Kind::repeat, .bytes = {}, .parts = std::move(parts), .min = min, .max = max});
}

Expression optional(Expression part) {
  return repeat(std::move(part), 0, 1);
}

Expression call_rule(int rule) {
  return make({.kind = ByteExpression::Kind::rule, .bytes = {}, .parts = {}, .rule = rule});
}

CodePoints normalized(CodePoints set) {
  constexpr std::uint32_t first_surrogate = 0xD800, last_surrogate = 0xDFFF;
  CodePoints split;
  for (auto [first, last] : set) {
    last = std::min(last, last_code_point);
    if (first < first_surrogate) split.emplace_back(first, std::min(last, first_surrogate - 1));
    if (last > last_surrogate) split.emplace_back(std::max(first, last_surrogate + 1), last);
  }
  std::erase_if(split, [](const auto& range) { return range.first > range.second; });
  std::sort(split.begin(), split.end());
  CodePoints merged;
  for (const auto& range : split)
    if (!merged.empty() && range.first <= merged.back().second + 1)
      merged.back().second = std::max(merged.back().second, range.second);
    else
      merged.push_back(range);
  return merged;
}

CodePoints complement(const CodePoints& set) {
  CodePoints rest;
  std::uint32_t next = 0;
  for (const auto& [first, last] : normalized(set)) {
    if (first > next) rest.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= last_code_point) rest.emplace_back(next, last_code_point);
  return normalized(std::move(rest));
}

CodePoints intersection(const CodePoints& a, const CodePoints& b) {
  CodePoints both = complement(a);
  const CodePoints not_b = complement(b);
  both.insert(both.end(), not_b.begin(), not_b.end());
  return complement(both);
}

Expression utf8(const CodePoints& set) {
  constexpr std::array<std::uint32_t, 4> last_of_length = {0x7F, 0x7FF, 0xFFFF, last_code_point};
  ByteSet ascii;
  std::vector<Expression> pieces;
  for (const auto& [first, last] : normalized(set)) {
    for (std::uint32_t c = first; c <= std::min(last, last_of_length[0]); ++c) ascii.set(c);
    for (std::size_t n = 1; n < last_of_length.size(); ++n) {
      const std::uint32_t low = std::max(first, last_of_length[n - 1] + 1), high = std::min(last, last_of_length[n]);
      if (low <= high) append_ranges(low, high, pieces);
    }
  }
  if (ascii.any()) pieces.push_back(byte_of(ascii));
  return choice(std::move(pieces));
}

}  // namespace sw
