#include <cmath>

#include "model/families/dense.hpp"
#include "model/families/keys.hpp"

namespace sw {
namespace {

/// Gemma 2 (Gemma Team 2024): a window on every other block, capped scores and logits, norms on both sides of each
/// part.
constexpr DenseTraits traits{.architecture = "gemma2",
                             .activation = Activation::gelu_tanh,
                             .post_norms = true,
                             .scaled_embedding = true,
                             .alternate_window = true};

constexpr std::string_view hf_architectures[] = {"Gemma2ForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", Transform::plus_one},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight", Transform::plus_one},
    {"model.layers.{}.pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight", Transform::plus_one},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight", Transform::plus_one},
    {"model.norm.weight", "output_norm.weight", Transform::plus_one},
    {"lm_head.weight", "output.weight"},
};

/// 1/√query_pre_attn_scalar. GGUF has no key for that number: it is the head's size, except in the 27B model, the one
/// with 46 blocks, where it is width / heads.
float usual_scale(std::size_t blocks, int width, int heads, int head_dim) {
  return 1.0f / std::sqrt(static_cast<float>(blocks == 46 ? width / heads : head_dim));
}

Result<ModelSpec> spec(const Checkpoint& checkpoint, int context) {
  SW_ASSIGN(ModelSpec model, dense_spec(checkpoint, context, traits));
  if (checkpoint.metadata.find("gemma2.attention.scale")) return model;
  for (BlockSpec& block : model.blocks) {
    auto& attention = std::get<Attention>(block.mixer);
    attention.scale = usual_scale(model.blocks.size(), model.width, attention.n_heads, attention.head_dim);
  }
  return model;
}

Result<Checkpoint> import_config(const Metadata& config) {
  SW_ASSIGN(Checkpoint imported, import_dense_config(config, traits));
  for (const auto& [from, to] : {std::pair{"attn_logit_softcapping", "gemma2.attn_logit_softcapping"},
                                 std::pair{"final_logit_softcapping", "gemma2.final_logit_softcapping"}}) {
    if (!config.find(from)) continue;
    SW_ASSIGN(const double cap, config.number(from));
    imported.metadata.set(to, static_cast<float>(cap));
  }
  SW_ASSIGN(const double scalar, config.number("query_pre_attn_scalar"));
  const float scale = 1.0f / std::sqrt(static_cast<float>(scalar));
  const Keys keys(imported.metadata, "gemma2");
  SW_ASSIGN(const int blocks, keys.size("block_count"));
  SW_ASSIGN(const int width, keys.size("embedding_length"));
  SW_ASSIGN(const int heads, keys.size("attention.head_count"));
  SW_ASSIGN(const int head_dim, keys.size("attention.key_length"));
  if (scale != usual_scale(static_cast<std::size_t>(blocks), width, heads, head_dim))
    imported.metadata.set("gemma2.attention.scale", scale);
  return imported;
}

}  // namespace

extern const Family gemma2_family;
const Family gemma2_family{
    .architecture = "gemma2",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = true,
    .spec = spec,
    .import_config = import_config,
};

}  // namespace sw
