#include "model/families/dense.hpp"

namespace sw {
namespace {

/// Phi-3 and Phi-3.5 mini (Abdin et al. 2024): q, k and v in one matrix, gate and up in another.
constexpr DenseTraits traits{.architecture = "phi3"};

constexpr std::string_view hf_architectures[] = {"Phi3ForCausalLM"};

constexpr TensorRule tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.qkv_proj.weight", "blk.{}.attn_qkv.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

}  // namespace

extern const Family phi3_family;
const Family phi3_family{
    .architecture = "phi3",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = false,
    .spec = [](const Checkpoint& checkpoint, int context) { return dense_spec(checkpoint, context, traits); },
    .import_config = [](const Metadata& config) { return import_dense_config(config, traits); },
};

}  // namespace sw
