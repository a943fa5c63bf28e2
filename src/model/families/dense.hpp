#pragma once

#include "model/families/family.hpp"

namespace sw {

/// What tells the families of attention + gated MLP blocks apart.
struct DenseTraits {
  std::string_view architecture;
  RopeLayout rope_layout = RopeLayout::half;
  Activation activation = Activation::silu;
  bool qkv_bias = false;  ///< always; without it, where the checkpoint has the tensors
  bool qk_norm = false;
  bool post_norms = false;
  bool scaled_embedding = false;  ///< by √width
  bool alternate_window = false;  ///< the window is on even blocks only, unless a key gives the pattern
};

Result<ModelSpec> dense_spec(const Checkpoint& checkpoint, int context, const DenseTraits& traits);
Result<Checkpoint> import_dense_config(const Metadata& config, const DenseTraits& traits);

}  // namespace sw
