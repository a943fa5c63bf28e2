#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/checkpoint_io.hpp"

namespace sw {

/// Tensors of one purpose and type, added up.
struct TensorGroup {
  std::string role;  ///< "attention", "ffn", "token embedding" …
  std::string dtype;
  int tensors = 0;
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
};

/// A run of equal blocks.
struct BlockRun {
  int count = 0;
  std::string text;  ///< "attention 14 heads × 64, 2 key/value heads; gated MLP 4864 silu"
};

/// What a person wants to know of a checkpoint before running it.
struct Description {
  ModelSpec spec;
  std::vector<BlockRun> blocks;  ///< run-length encoded; a repeating pattern once per repetition
  int block_repeats = 1;         ///< how often `blocks` repeats
  std::vector<TensorGroup> groups;
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;               ///< of all tensors
  std::uint64_t bytes_per_token = 0;     ///< weights read to generate one token alone
  std::uint64_t kv_bytes_per_token = 0;  ///< keys and values at F16
  std::uint64_t state_bytes = 0;         ///< fixed state of one sequence (recurrent blocks, F32)

  double bits_per_weight() const {
    return parameters == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(parameters);
  }
};

Result<Description> describe(const Checkpoint& checkpoint);

}  // namespace sw
