#pragma once

#include <span>
#include <string_view>

#include "base/error.hpp"
#include "formats/checkpoint.hpp"
#include "model/spec.hpp"

namespace sw {

struct HfFolder;

/// How one family of checkpoints maps to a ModelSpec. One file per family defines one of these.
struct Family {
  std::string_view architecture;                       ///< GGUF's general.architecture
  std::span<const std::string_view> hf_architectures;  ///< config.json's "architectures"

  /// The spec of a checkpoint. `context`: positions wanted, 0 for the checkpoint's own (long-context RoPE variants
  /// depend on it). Fails, naming the key, when a required key is missing or absurd.
  Result<ModelSpec> (*spec)(const Checkpoint& checkpoint, int context);

  /// A Hugging Face folder in GGUF's vocabulary: the keys "<architecture>.*" and the tensors renamed, transformed
  /// where GGUF defines them differently (norm weights of Gemma, A of Mamba, q/k rows of Llama).
  Result<Checkpoint> (*import)(const HfFolder& folder);
};

/// Every family this program runs.
std::span<const Family* const> families();
const Family* find_family(std::string_view architecture);
const Family* find_hf_family(std::string_view hf_architecture);

}  // namespace sw
