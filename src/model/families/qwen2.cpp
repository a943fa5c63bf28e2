#include "model/families/dense.hpp"

namespace sw {
namespace {

/// Qwen2 and Qwen2.5 (Yang et al. 2024): biases on q, k and v.
constexpr DenseTraits traits{.architecture = "qwen2", .qkv_bias = true};

constexpr std::string_view hf_architectures[] = {"Qwen2ForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"},
    {"model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"},
    {"model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

}  // namespace

extern const Family qwen2_family;
const Family qwen2_family{
    .architecture = "qwen2",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = false,
    .spec = [](const Checkpoint& checkpoint, int context) { return dense_spec(checkpoint, context, traits); },
    .import_config = [](const Metadata& config) { return import_dense_config(config, traits); },
};

}  // namespace sw
