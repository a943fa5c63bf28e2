#include "ops/race.hpp"

#include <algorithm>
#include <cmath>

namespace sw {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;

/// The mixer of SplitMix64 (Steele, Lea & Flood 2014).
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Race::Race(std::uint64_t seed, std::uint64_t n, float temperature)
    : temperature_(temperature), inverse_(1 / temperature), key_(mixed(mixed(seed + golden) + (n + 1) * golden)) {}

double Race::score(float logit, std::uint32_t row) const {
  const double rest = (static_cast<double>(mixed(key_ + (row + std::uint64_t{1}) * golden) >> 11) + 0.5) * 0x1p-53;
  const double v = std::min((leading(row) + rest) * 0x1p-32, 1 - 0x1p-53);
  return static_cast<double>(logit) / temperature_ - std::log(-std::log1p(-v));
}

}  // namespace sw
