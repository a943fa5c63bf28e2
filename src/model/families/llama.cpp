#include "model/families/dense.hpp"

namespace sw {
namespace {

/// Llama 1 to 3 (Touvron et al. 2023), and what shares its form: Mistral, SmolLM. GGUF stores q and k for rotating
/// neighbouring dimensions, the published weights for rotating halves.
constexpr DenseTraits traits{.architecture = "llama", .rope_layout = RopeLayout::interleaved};

constexpr std::string_view hf_architectures[] = {"LlamaForCausalLM", "MistralForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", Transform::interleave_q},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", Transform::interleave_k},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", Transform::interleave_q},
    {"model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", Transform::interleave_k},
    {"model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {"model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
    {"model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
    {"model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

}  // namespace

extern const Family llama_family;
const Family llama_family{
    .architecture = "llama",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = false,
    .spec = [](const Checkpoint& checkpoint, int context) { return dense_spec(checkpoint, context, traits); },
    .import_config = [](const Metadata& config) { return import_dense_config(config, traits); },
};

}  // namespace sw
