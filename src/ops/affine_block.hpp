#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/dtype.hpp"

namespace sw {

/// 32 consecutive weights of a stored row as integers and factors: weight = scale · q + offset, with a scale and offset
/// for each half of 16.
struct AffineBlock {
  std::array<std::uint8_t, 32> q{};
  std::array<float, 2> scale{}, offset{};
};

/// Block `b` of 32 columns of a row stored as a `dtype` whose packing is affine8.
AffineBlock read_affine_block(DType dtype, const std::byte* row, std::int64_t b);

}  // namespace sw
