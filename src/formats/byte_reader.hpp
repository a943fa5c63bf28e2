#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"

namespace sw {

static_assert(std::endian::native == std::endian::little, "stored numbers are read as they lie in memory");

/// Reads little-endian values from a file that may end anywhere. `subject` names what is being read in errors.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  template <class T>
    requires std::is_arithmetic_v<T>
  Result<T> number(std::string_view subject) {
    if (remaining() < sizeof(T)) return cut_off(subject, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  /// The next `n` bytes, which stay in the file.
  Result<std::string_view> text(std::uint64_t n, std::string_view subject) {
    if (remaining() < n) return cut_off(subject, n);
    const std::string_view bytes(reinterpret_cast<const char*>(bytes_.data()) + position_, n);
    position_ += n;
    return bytes;
  }

  /// Fails unless `count` items of at least `item_bytes` each can still follow: the check before any allocation.
  Status expect_items(std::uint64_t count, std::size_t item_bytes, std::string_view subject) const;

  std::unexpected<Error> fail_here(std::string what, std::string expected = {}, std::string next = {}) const;
  std::string where() const;

 private:
  std::unexpected<Error> cut_off(std::string_view subject, std::uint64_t wanted) const;

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  std::string file_;
};

}  // namespace sw
