#pragma once

#include <cstddef>
#include <span>

#include "base/error.hpp"
#include "tensor/dtype.hpp"

namespace sw {

/// Expands a row stored as `dtype` to floats, exactly as the format defines (ggml-quants.c, dequantize_row_*).
/// `out.size()` elements are read from `row`; the size is a multiple of the dtype's block.
void dequantize(DType dtype, const std::byte* row, std::span<float> out);

/// Encodes a row whose size is a multiple of the dtype's block. Only F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K,
/// Q5_K and Q6_K can be written: see can_quantize. In the quantized types NaN is stored as 0, and infinities and
/// weights beyond ±524032 (the range of Q4_0; −65504 below in Q5_1) as that limit. `importance`, when not empty, weighs
/// the squared error of each column (mean squared activations).
void quantize(DType dtype, std::span<const float> row, std::byte* out, std::span<const float> importance = {});
bool can_quantize(DType dtype);

}  // namespace sw
