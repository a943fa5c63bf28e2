#include "decode/token_constraint.hpp"

#include <algorithm>
#include <limits>

namespace sw {

bool deny_logits(std::span<const std::uint64_t> allowed, std::span<float> logits) {
  constexpr float denied = -std::numeric_limits<float>::infinity();
  const std::size_t n = logits.size();
  bool any = false;
  for (std::size_t begin = 0; begin < n; begin += 64) {
    const std::uint64_t word = begin / 64 < allowed.size() ? allowed[begin / 64] : 0;
    const std::size_t end = std::min(begin + 64, n);
    if (word == ~std::uint64_t{0}) {
      any = true;
    } else if (word == 0) {
      std::fill(logits.begin() + static_cast<std::ptrdiff_t>(begin), logits.begin() + static_cast<std::ptrdiff_t>(end),
                denied);
    } else {
      for (std::size_t i = begin; i < end; ++i)
        if (word >> (i - begin) & 1)
          any = true;
        else
          logits[i] = denied;
    }
  }
  return any;
}

}  // namespace sw
