#include "formats/gguf_format.hpp"

#include <bit>

namespace sw::gguf {

Result<std::uint64_t> alignment(const Metadata& metadata) {
  SW_ASSIGN(const std::int64_t value, metadata.integer_or("general.alignment", 32));
  if (value < 8 || value > UINT32_MAX || !std::has_single_bit(static_cast<std::uint64_t>(value)))
    return fail("metadata key 'general.alignment' is " + std::to_string(value), {}, "a power of two from 8 on");
  return static_cast<std::uint64_t>(value);
}

}  // namespace sw::gguf
