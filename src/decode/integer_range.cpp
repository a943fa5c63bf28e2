#include "decode/integer_range.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace sw {
namespace {

constexpr std::int64_t most = 9999999999999999;

Expression digit(char first, char last) {
  return byte_range(static_cast<unsigned char>(first), static_cast<unsigned char>(last));
}

Expression any_digits(std::size_t n) {
  return repeat(digit('0', '9'), static_cast<int>(n), static_cast<int>(n));
}

/// Numbers of one length from `low` to `high`. They share digits up to one where they part; between the two digits
/// there anything may follow.
Expression same_length(std::string_view low, std::string_view high) {
  if (low.empty()) return sequence({});
  if (low[0] == high[0]) return sequence({digit(low[0], low[0]), same_length(low.substr(1), high.substr(1))});
  const std::size_t rest = low.size() - 1;
  std::vector<Expression> ways;
  const bool low_is_all = low.substr(1) == std::string(rest, '0'),
             high_is_all = high.substr(1) == std::string(rest, '9');
  const char first = low_is_all ? low[0] : static_cast<char>(low[0] + 1);
  const char last = high_is_all ? high[0] : static_cast<char>(high[0] - 1);
  if (!low_is_all)
    ways.push_back(sequence({digit(low[0], low[0]), same_length(low.substr(1), std::string(rest, '9'))}));
  if (first <= last) ways.push_back(sequence({digit(first, last), any_digits(rest)}));
  if (!high_is_all)
    ways.push_back(sequence({digit(high[0], high[0]), same_length(std::string(rest, '0'), high.substr(1))}));
  return choice(std::move(ways));
}

/// 0 ≤ low ≤ high.
Expression not_negative(std::int64_t low, std::int64_t high) {
  std::vector<Expression> ways;
  for (std::size_t n = std::to_string(low).size(); n <= std::to_string(high).size(); ++n) {
    const std::string least = n == 1 ? "0" : "1" + std::string(n - 1, '0');
    const std::string greatest(n, '9');
    const std::string from = std::to_string(low).size() == n ? std::to_string(low) : least;
    const std::string to = std::to_string(high).size() == n ? std::to_string(high) : greatest;
    ways.push_back(same_length(from, to));
  }
  return choice(std::move(ways));
}

}  // namespace

Expression integer_range(std::optional<std::int64_t> low, std::optional<std::int64_t> high) {
  const std::int64_t from = std::max(low.value_or(-most), -most), to = std::min(high.value_or(most), most);
  std::vector<Expression> ways;
  if (from <= to && to >= 0) ways.push_back(not_negative(std::max<std::int64_t>(from, 0), to));
  if (from <= to && from < 0)
    ways.push_back(sequence({literal("-"), not_negative(std::max<std::int64_t>(-to, 1), -from)}));
  return choice(std::move(ways));
}

}  // namespace sw
