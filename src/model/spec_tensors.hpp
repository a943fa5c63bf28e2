#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.hpp"
#include "model/spec.hpp"

namespace sw {

enum class TensorRole : std::uint8_t { embedding, mixer, ffn, norm, head };

/// A tensor that a spec calls for, under its GGUF name.
struct SpecTensor {
  std::string name;
  Shape shape;
  TensorRole role;
  int block = -1;  ///< −1: outside the blocks
};

/// Projections that a checkpoint may store in one tensor, one under the other.
struct TensorLayout {
  bool fused_qkv = false;      ///< attn_qkv: rows of q, k, v
  bool fused_gate_up = false;  ///< ffn_up: rows of gate, up
};

TensorLayout tensor_layout(const Checkpoint& checkpoint);
std::vector<SpecTensor> spec_tensors(const ModelSpec& spec, const TensorLayout& layout);

/// Fails when a tensor of the spec is missing or has another shape, naming it.
Status check_tensors(const ModelSpec& spec, const Checkpoint& checkpoint);

}  // namespace sw
