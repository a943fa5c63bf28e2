#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/dtype.hpp"

namespace sw {

/// 32 consecutive weights of a stored quantized row as integers and factors: weight = scale · q + offset, with a scale
/// and offset for each half of 16. Formats that have them also give the raw numbers behind the factors.
struct StoredBlock {
  std::array<std::uint8_t, 32> q{};
  std::array<float, 2> scale{}, offset{};
  std::uint16_t d = 0, dmin = 0;       ///< f16 bits of the block's or super-block's factors
  std::array<std::uint8_t, 2> code{};  ///< scale codes under d (K-quants); signed in Q6_K
  std::uint8_t min_code = 0;           ///< min code under dmin
};

/// Block `b` of 32 columns of a row stored as a quantized `dtype`. Layouts: ggml-common.h, ggml-quants.c.
StoredBlock read_stored_block(DType dtype, const std::byte* row, std::int64_t b);

}  // namespace sw
