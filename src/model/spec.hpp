#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ops/types.hpp"

namespace sw {

/// Rotary position embedding (Su et al. 2021) with its scaling already applied to the frequencies.
struct Rope {
  RopeLayout layout = RopeLayout::half;
  std::vector<float> inv_freq;  ///< [dims / 2], radians per position; the first `dims` of each head rotate
  float magnitude = 1;          ///< multiplies cos and sin (YaRN, longrope)
};

/// Softmax attention with grouped key/value heads.
struct Attention {
  int n_heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 0;       ///< multiplies q·k
  int window = 0;        ///< a query at p sees the keys at (p − window, p]; 0: all keys up to p
  float softcap = 0;     ///< scores become cap · tanh(score / cap); 0: off
  bool qk_norm = false;  ///< RMS norm of each head's q and k before the rotation
  int rope = 0;          ///< index into ModelSpec::ropes; −1: no rotation
  bool qkv_bias = false, output_bias = false;
};

/// Selective state space (Gu & Dao 2023, algorithm 2).
struct Mamba {
  int inner = 0, state = 0, conv = 0, dt_rank = 0;
  bool bias = false;  ///< on the projections in and out of the block
};

struct GatedMlp {
  int hidden = 0;
  Activation activation = Activation::silu;  ///< down(activation(gate(x)) · up(x))
  bool bias = false;                         ///< on all three
};
struct Mlp {
  int hidden = 0;
  Activation activation = Activation::gelu_tanh;
};

using Mixer = std::variant<std::monostate, Attention, Mamba>;
using Ffn = std::variant<std::monostate, GatedMlp, Mlp>;

/// x += post_mixer_norm(mixer(norm(x))); x += post_ffn_norm(ffn(norm(x))). monostate parts are left out.
struct BlockSpec {
  Mixer mixer;
  Ffn ffn;
  bool post_norms = false;
};

/// A model as data: everything the executors need to know, and nothing about where it came from.
struct ModelSpec {
  std::string name;          ///< the checkpoint's own name for itself
  std::string architecture;  ///< GGUF's general.architecture: "qwen2"
  int vocab = 0;
  int width = 0;
  int context = 0;          ///< positions this instance accepts
  int trained_context = 0;  ///< positions the checkpoint was trained for
  float norm_eps = 1e-5f;   ///< RMS norm
  float embedding_scale = 1;
  float final_softcap = 0;  ///< on the logits; 0: off
  bool tied_head = false;   ///< the head is the token embedding
  std::vector<Rope> ropes;
  std::vector<BlockSpec> blocks;
};

}  // namespace sw
