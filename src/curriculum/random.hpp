#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace sw::curriculum {

/// Numbers that a seed names on every machine: the standard fixes the generator, but not its distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}

  /// In [0, n); n is far below 2^64, so that the bias of a remainder is nothing.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits_() % n); }
  /// In [least, most].
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::size_t>(most - least) + 1));
  }
  bool chance(double p) { return static_cast<double>(bits_() >> 11) * 0x1p-53 < p; }

  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  /// `n` different ones, in random order; n is at most items.size().
  template <class T>
  std::vector<T> some(std::vector<T> items, std::size_t n) {
    shuffle(items);
    items.resize(n);
    return items;
  }
  std::size_t weighted(std::span<const double> weights) {
    double left = 0;
    for (const double weight : weights) left += weight;
    left *= static_cast<double>(bits_() >> 11) * 0x1p-53;
    std::size_t i = 0;
    while (i + 1 < weights.size() && left >= weights[i]) left -= weights[i++];
    return i;
  }

 private:
  std::mt19937_64 bits_;
};

/// Deals numbers below n: all of them in random order, then all of them again.
class Deck {
 public:
  explicit Deck(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) cards_.push_back(i);
    next_ = n;
  }
  std::size_t deal(Random& random) {
    if (next_ == cards_.size()) {
      random.shuffle(cards_);
      next_ = 0;
    }
    return cards_[next_++];
  }

 private:
  std::vector<std::size_t> cards_;
  std::size_t next_;
};

}  // namespace sw::curriculum
