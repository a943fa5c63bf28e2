#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "formats/metadata.hpp"

/// What the GGUF reader and writer agree on.
namespace sw::gguf {

inline constexpr std::string_view magic = "GGUF";
inline constexpr std::uint32_t newest_version = 3;
inline constexpr std::uint32_t oldest_version = 2;
inline constexpr std::uint64_t longest_key = 65535;
inline constexpr std::size_t most_dimensions = 4;

/// "general.alignment", the multiple at which every tensor starts: 32 when absent; fails unless it is a power of two
/// and a multiple of 8.
Result<std::uint64_t> alignment(const Metadata& metadata);

inline std::uint64_t align_up(std::uint64_t offset, std::uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

}  // namespace sw::gguf
