#pragma once

#include "formats/checkpoint.hpp"
#include "model/families/keys.hpp"
#include "model/spec.hpp"

namespace sw {

/// The rotation that the keys "<architecture>.rope.*" and the tensors "rope_freqs", "rope_factors_long" and
/// "rope_factors_short" ask for, as transformers computes it (modeling_rope_utils.py), in its float32 steps.
/// `context`: positions wanted; above the original context, longrope takes its long factors and dynamic NTK a larger
/// base.
Result<Rope> read_rope(const Checkpoint& checkpoint, const Keys& keys, RopeLayout layout, int head_dim, int context);

/// Adds to `imported` the keys and tensors that say in GGUF what config.json's "rope_parameters" (transformers 5) or
/// "rope_theta" and "rope_scaling" (before) say.
Status import_rope(const Metadata& config, std::string_view architecture, int head_dim, Checkpoint& imported);

}  // namespace sw
