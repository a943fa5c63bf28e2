#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace sw::train {

/// SplitMix64 (Steele et al. 2014) as a function of a counter: the i-th number of a stream, whatever came before it.
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

/// A stream of random numbers named by a seed and a text.
class Stream {
 public:
  Stream(std::uint64_t seed, std::string_view name) : key_(mix(seed)) {
    for (const char c : name) key_ = mix(key_ ^ static_cast<unsigned char>(c));
  }
  std::uint64_t bits(std::uint64_t i) const { return mix(key_ ^ mix(i)); }
  /// In [0, 1).
  double uniform(std::uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }
  /// Box & Muller 1958.
  double normal(std::uint64_t i) const {
    const double radius = std::sqrt(-2 * std::log(1 - uniform(2 * i)));
    return radius * std::cos(2 * std::numbers::pi * uniform(2 * i + 1));
  }
  /// In [0, n), by the high half of a product (Lemire 2019, without rejection: its bias is below n/2^64).
  std::uint64_t below(std::uint64_t n, std::uint64_t i) const {
    return static_cast<std::uint64_t>(__extension__ static_cast<unsigned __int128>(bits(i)) * n >> 64);
  }

 private:
  std::uint64_t key_;
};

}  // namespace sw::train
