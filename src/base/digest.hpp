#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sw {

/// A checksum of bytes that come in pieces.
class Digest {
 public:
  static Digest sha256();
  /// Git's id of a file of `size` bytes: SHA-1 of "blob SIZE\0" and the bytes.
  static Digest git_blob(std::uint64_t size);

  void update(std::string_view bytes);
  void update(std::span<const std::byte> bytes);
  /// The checksum: its bytes, or those in lower-case hexadecimal. Either ends the digest.
  std::string bytes();
  std::string hex();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Digest(void* context) : context_(context) {}
  std::unique_ptr<void, Free> context_;
};

std::string hexadecimal(std::string_view bytes);

}  // namespace sw
