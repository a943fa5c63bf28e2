#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"

namespace sw {

/// Pieces of equal size of one memory, each with a count of its holders; free again when the last one lets go. Memory
/// is reserved from the system at creation and touched as it is used.
class Slots {
 public:
  static constexpr std::int32_t none = -1;

  Slots() = default;  ///< no slots
  static Result<Slots> create(std::size_t n, std::size_t bytes);

  /// A slot with one holder, its content undefined; `none` when all are held.
  std::int32_t take();
  void share(std::int32_t slot);    ///< one holder more
  void release(std::int32_t slot);  ///< one less
  bool is_shared(std::int32_t slot) const { return holders_[static_cast<std::size_t>(slot)] > 1; }

  int total() const { return static_cast<int>(holders_.size()); }
  int free() const { return static_cast<int>(free_.size()); }
  int shared() const { return shared_; }  ///< slots with several holders

  std::byte* data() const { return memory_.data(); }
  std::size_t slot_bytes() const { return bytes_; }
  std::byte* at(std::int32_t slot) const { return memory_.data() + static_cast<std::size_t>(slot) * bytes_; }

 private:
  Memory memory_;
  std::size_t bytes_ = 0;
  std::vector<std::int32_t> holders_, free_;
  int shared_ = 0;
};

}  // namespace sw
