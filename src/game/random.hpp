#pragma once

#include <cstdint>
#include <string_view>

namespace sw::game {

/// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv
constexpr std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine, unlike the library's distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// 0 … n − 1, for n > 0. The bias is below n / 2⁶⁴.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

  template <class Range>
  void shuffle(Range& range) {
    for (std::size_t n = range.size(); n > 1; --n) std::swap(range[n - 1], range[below(n)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace sw::game
