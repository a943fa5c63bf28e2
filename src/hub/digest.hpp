#pragma once

#include <cstdint>
#include <memory>
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
  /// Lower-case hexadecimal. Ends the digest.
  std::string hex();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Digest(void* context) : context_(context) {}
  std::unique_ptr<void, Free> context_;
};

}  // namespace sw
