#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "formats/checkpoint.hpp"
#include "model/spec.hpp"

namespace sw {

/// How GGUF's form of a tensor differs from the published one.
enum class Transform : std::uint8_t {
  none,
  plus_one,       ///< norms stored as w − 1 (Gemma)
  interleave_q,   ///< rows of each head reordered from rotating (i, i + d/2) to rotating (2i, 2i + 1)
  interleave_k,   ///< the same over the key heads
  negative_exp,   ///< A = −exp(A_log) (Mamba)
  drop_channels,  ///< depthwise kernel [inner, 1, conv] → [inner, conv]
};

/// One published tensor name and GGUF's; "{}" stands for the block's number.
struct TensorRule {
  std::string_view published;
  std::string_view gguf;
  Transform transform = Transform::none;
};

/// How one family of checkpoints maps to a ModelSpec. One file per family defines one of these.
struct Family {
  std::string_view architecture;                       ///< GGUF's general.architecture
  std::span<const std::string_view> hf_architectures;  ///< config.json's "architectures"
  std::span<const TensorRule> tensors;
  bool tied_head;  ///< the head is the token embedding unless config.json says otherwise

  /// The spec of a checkpoint. `context`: positions wanted, 0 for the checkpoint's own (long-context RoPE variants
  /// depend on it). Fails, naming the key, when a required key is missing or absurd.
  Result<ModelSpec> (*spec)(const Checkpoint& checkpoint, int context);

  /// A config.json (flattened, see hf_config.hpp) in GGUF's vocabulary: the keys "<architecture>.*", and the tensors
  /// that GGUF derives from the config (RoPE factors).
  Result<Checkpoint> (*import_config)(const Metadata& config);
};

/// Every family this program runs.
std::span<const Family* const> families();
const Family* find_family(std::string_view architecture);
const Family* find_hf_family(std::string_view hf_architecture);

}  // namespace sw
