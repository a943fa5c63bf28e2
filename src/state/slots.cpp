#include "state/slots.hpp"

namespace sw {

Result<Slots> Slots::create(std::size_t n, std::size_t bytes) {
  Slots slots;
  SW_ASSIGN(slots.memory_, Memory::allocate(n * bytes));
  slots.bytes_ = bytes;
  slots.holders_.resize(n);
  slots.free_.resize(n);
  // The lowest come first, so that a little-used pool stays small.
  for (std::size_t i = 0; i < n; ++i) slots.free_[i] = static_cast<std::int32_t>(n - 1 - i);
  return slots;
}

std::int32_t Slots::take() {
  if (free_.empty()) return none;
  const std::int32_t slot = free_.back();
  free_.pop_back();
  holders_[static_cast<std::size_t>(slot)] = 1;
  return slot;
}

void Slots::share(std::int32_t slot) {
  if (++holders_[static_cast<std::size_t>(slot)] == 2) ++shared_;
}

void Slots::release(std::int32_t slot) {
  const std::int32_t left = --holders_[static_cast<std::size_t>(slot)];
  if (left == 1) --shared_;
  if (left == 0) free_.push_back(slot);
}

}  // namespace sw
