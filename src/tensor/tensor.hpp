#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.hpp"

namespace sw {

/// Sizes from the outermost to the innermost (contiguous) dimension, as PyTorch prints them; GGUF stores the reverse.
using Shape = std::vector<std::int64_t>;

inline std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (const auto d : shape) n *= d;
  return n;
}

/// "[896, 4864]"
std::string to_string(const Shape& shape);

/// A stored tensor: contiguous, row-major, its last dimension a multiple of the dtype's block. Does not own its bytes.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> data;
};

}  // namespace sw
