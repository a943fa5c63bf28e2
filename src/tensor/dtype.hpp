#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sw {

/// How the elements of a stored tensor are encoded. The values are GGUF's type ids (ggml.h, enum ggml_type).
enum class DType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  bf16 = 30,
};

/// Elements are stored in blocks of `block_size` along the last dimension, `block_bytes` bytes each.
struct DTypeInfo {
  DType dtype;
  std::string_view name;  ///< as GGUF tools print it: "Q4_K"
  std::uint32_t block_size;
  std::uint32_t block_bytes;
  bool quantized;

  /// Bytes of one row of `n` elements; `n` must be a multiple of block_size.
  std::size_t row_bytes(std::size_t n) const { return n / block_size * block_bytes; }
  double bits_per_weight() const { return 8.0 * block_bytes / block_size; }
};

/// Null for an id this program does not know.
const DTypeInfo* find_dtype(std::uint32_t gguf_id);
/// Null for a name this program does not know; case is ignored ("q4_0", "Q4_0").
const DTypeInfo* find_dtype(std::string_view name);
const DTypeInfo& info(DType dtype);

}  // namespace sw
