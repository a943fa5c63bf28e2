#pragma once

#include <cstddef>
#include <vector>

#include "model/spec.hpp"
#include "ops/types.hpp"

namespace sw {

/// Where the state of one block of the model lies.
struct LayerState {
  std::size_t offset = 0;  ///< attention: bytes into a KV block; recurrent: floats into a sequence's recurrent state
  std::size_t head_bytes = 0;  ///< attention: bytes of one KV head within a KV block
};

/// What a model has to remember: per kv_block positions for its attention layers, per sequence for its recurrent ones.
struct StateLayout {
  KvType kv_type = default_kv_type;
  std::vector<LayerState> layers;   ///< one per block of the model
  std::size_t block_bytes = 0;      ///< kv_block positions of all attention layers; 0: the model has none
  std::size_t recurrent_bytes = 0;  ///< all recurrent layers of one sequence; 0: the model has none

  static StateLayout of(const ModelSpec& spec, KvType kv_type);
};

}  // namespace sw
