#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/error.hpp"

namespace sw {

/// Zeroed memory straight from the system, aligned to at least a cache line, in huge pages where it is large and the
/// system has them. Untouched pages cost nothing. Move-only.
class Memory {
 public:
  static Result<Memory> allocate(std::size_t bytes);

  Memory() = default;
  Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Hands out typed pieces of one Memory, each aligned to a cache line. First measure with a default-constructed arena
/// (pieces are null, used() grows), then allocate used() bytes and run the same calls again.
class Arena {
 public:
  Arena() = default;
  explicit Arena(const Memory& memory) : base_(memory.data()) {}

  template <class T>
  T* take(std::size_t n) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (n * sizeof(T) + 63) / 64 * 64;
    return piece;
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* base_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace sw
