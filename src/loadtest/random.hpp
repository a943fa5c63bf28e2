#pragma once

#include <cmath>
#include <cstdint>

namespace sw::loadtest {

/// 64 random bits as a function of a key (SplitMix64's finalizer, Steele et al. 2014): the same load on every machine.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15u * (index + 1) + 0xD1B54A32D192ED03u * (stream + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Uniform in (0, 1).
inline double random_fraction(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return (static_cast<double>(random_bits(seed, stream, index) >> 11) + 0.5) * 0x1p-53;
}

/// Standard normal (Box & Muller 1958).
inline double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const double u = random_fraction(seed, stream, 2 * index), v = random_fraction(seed, stream, 2 * index + 1);
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
}

}  // namespace sw::loadtest
