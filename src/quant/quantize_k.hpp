#pragma once

#include "quant/blocks.hpp"

/// Encoders of super-blocks of 256 finite weights `x`; `w` > 0 weighs the squared error of each.
/// Scales come from least-squares fits (fit.hpp), then levels and scales are improved in turns.
namespace sw {

BlockQ4_K encode_q4_k(const float* x, const float* w);
BlockQ5_K encode_q5_k(const float* x, const float* w);
BlockQ6_K encode_q6_k(const float* x, const float* w);

}  // namespace sw
