#include "model/families/dense.hpp"

namespace sw {
namespace {

/// Qwen3 (Yang et al. 2025): each head of q and k is normalized instead.
constexpr DenseTraits traits{.architecture = "qwen3", .qk_norm = true};

constexpr std::string_view hf_architectures[] = {"Qwen3ForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

}  // namespace

extern const Family qwen3_family;
const Family qwen3_family{
    .architecture = "qwen3",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = false,
    .spec = [](const Checkpoint& checkpoint, int context) { return dense_spec(checkpoint, context, traits); },
    .import_config = [](const Metadata& config) { return import_dense_config(config, traits); },
};

}  // namespace sw
