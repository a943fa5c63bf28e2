#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tensor/tensor.hpp"

namespace sw {

/// What a name like "Q4_K_M" means for a whole model: one type for most matrices, better ones where it matters most
/// (the mixes of llama.cpp's llama-quant.cpp).
struct FileType {
  enum class Mix : std::uint8_t { plain, small, medium };

  std::string_view name;
  std::uint32_t id;  ///< GGUF's general.file_type
  DType dtype;
  Mix mix = Mix::plain;
};

std::span<const FileType> file_types();
/// Null for a name this program does not know; case is ignored, and Q4_K and Q5_K mean Q4_K_M and Q5_K_M.
const FileType* find_file_type(std::string_view name);

/// What the choice of a tensor's type depends on besides the tensor.
struct ModelOutline {
  int blocks = 0;
  bool tied_head = false;
};

/// The type of one tensor (its GGUF name) in a file of type `type`. Vectors, norms, and the small or sensitive
/// tensors of state-space layers are F32.
DType tensor_type(const FileType& type, std::string_view name, const Shape& shape, const ModelOutline& outline);

}  // namespace sw
