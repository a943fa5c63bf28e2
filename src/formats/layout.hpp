#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tensor/tensor.hpp"

namespace sw {

/// Bytes of a tensor's contiguous storage. Fails when a dimension is negative, the last one is not a multiple of the
/// dtype's block, or the size does not fit in 63 bits.
Result<std::uint64_t> stored_bytes(DType dtype, const Shape& shape);

/// Fails when two tensors share a name or bytes, naming both; `where` is the file.
Status check_distinct(std::span<const TensorView> tensors, const std::string& where);

/// A name that occurs twice; empty when there is none (names are not empty).
std::string_view repeated(std::vector<std::string_view> names);

}  // namespace sw
