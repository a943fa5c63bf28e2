#include "model/families/dense.hpp"

namespace sw {
namespace {

/// Gemma (Gemma Team 2024): wide heads, √width on the embedding, norms stored as w − 1.
constexpr DenseTraits traits{.architecture = "gemma", .activation = Activation::gelu_tanh, .scaled_embedding = true};

constexpr std::string_view hf_architectures[] = {"GemmaForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", Transform::plus_one},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", Transform::plus_one},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.norm.weight", "output_norm.weight", Transform::plus_one},
    {"lm_head.weight", "output.weight"},
};

}  // namespace

extern const Family gemma_family;
const Family gemma_family{
    .architecture = "gemma",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = true,
    .spec = [](const Checkpoint& checkpoint, int context) { return dense_spec(checkpoint, context, traits); },
    .import_config = [](const Metadata& config) { return import_dense_config(config, traits); },
};

}  // namespace sw
