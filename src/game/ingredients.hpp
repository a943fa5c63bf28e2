#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <span>

namespace sw::game {

/// A concept's place in Content::concepts.
using ConceptIndex = std::uint16_t;

/// Two or three concepts put together, in ascending order, so that a + b and b + a are equal.
class Ingredients {
 public:
  static constexpr std::size_t most = 3;

  Ingredients() = default;
  /// `concepts` holds at most `most`.
  explicit Ingredients(std::span<const ConceptIndex> concepts) : count_(std::min(concepts.size(), most)) {
    std::copy_n(concepts.begin(), count_, items_.begin());
    std::sort(items_.begin(), items_.begin() + count_);
  }
  Ingredients(ConceptIndex a, ConceptIndex b) : Ingredients(std::array{a, b}) {}

  const ConceptIndex* begin() const { return items_.data(); }
  const ConceptIndex* end() const { return items_.data() + count_; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool contains(ConceptIndex idea) const { return std::find(begin(), end(), idea) != end(); }

  /// One number per combination, for tables.
  std::uint64_t key() const {
    std::uint64_t key = 0;
    for (const ConceptIndex idea : *this) key = key << 16 | (idea + 1u);
    return key;
  }
  bool operator==(const Ingredients& other) const { return std::ranges::equal(*this, other); }

 private:
  std::array<ConceptIndex, most> items_{};
  std::size_t count_ = 0;
};

}  // namespace sw::game
