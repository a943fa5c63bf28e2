#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "base/tests/temporary_folder.hpp"

namespace sw::test {

/// GGUF files written byte by byte, so that they can be wrong in any way.
struct GgufBytes {
  std::string bytes;

  template <class T>
  GgufBytes& number(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  GgufBytes& u32(std::uint32_t value) { return number(value); }
  GgufBytes& u64(std::uint64_t value) { return number(value); }
  GgufBytes& raw(std::string_view text) {
    bytes += text;
    return *this;
  }
  GgufBytes& string(std::string_view text) { return u64(text.size()).raw(text); }
  GgufBytes& header(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return raw("GGUF").u32(version).u64(tensors).u64(keys);
  }
  /// A one-dimensional F32 tensor of `n` elements.
  GgufBytes& tensor(std::string_view name, std::uint64_t n, std::uint64_t offset) {
    return string(name).u32(1).u64(n).u32(0).u64(offset);
  }
  GgufBytes& align(std::size_t alignment = 32) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  GgufBytes& zeros(std::size_t n) {
    bytes.append(n, '\0');
    return *this;
  }
};

/// A safetensors file of this header and data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return GgufBytes{}.u64(header.size()).raw(header).raw(data).bytes;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A folder of its own for a test, removed with everything in it.
class Folder : public TemporaryFolder {
 public:
  std::filesystem::path file(std::string_view name) const { return path() / name; }
  std::filesystem::path file(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories(file(name).parent_path());
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }
};

}  // namespace sw::test
