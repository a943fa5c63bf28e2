#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace sw {

/// What two adjacent symbols merge into, and how early.
struct MergeRule {
  static constexpr std::uint32_t none = ~0u;
  std::uint32_t rank = none;  ///< lower merges first
  std::int32_t merged = -1;
};

/// (left, right) → rule. Open addressing; a merge loop looks up several pairs per byte.
class MergeTable {
 public:
  explicit MergeTable(std::size_t n_rules) : slots_(std::bit_ceil(n_rules * 2 + 2)) {}

  /// Keeps the lower rank of two rules for one pair.
  void insert(std::int32_t left, std::int32_t right, MergeRule rule) {
    Slot& slot = slots_[find_slot(key_of(left, right))];
    if (slot.rule.rank <= rule.rank && slot.key != empty) return;
    slot = {key_of(left, right), rule};
  }

  MergeRule find(std::int32_t left, std::int32_t right) const { return slots_[find_slot(key_of(left, right))].rule; }

 private:
  static constexpr std::uint64_t empty = ~0ull;
  struct Slot {
    std::uint64_t key = empty;
    MergeRule rule;
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t find_slot(std::uint64_t key) const {
    std::uint64_t h = key * 0x9E3779B97F4A7C15;
    std::size_t i = (h ^ (h >> 32)) & (slots_.size() - 1);
    while (slots_[i].key != key && slots_[i].key != empty) i = (i + 1) & (slots_.size() - 1);
    return i;
  }

  std::vector<Slot> slots_;
};

}  // namespace sw
