#include <fmt/core.h>

#include "model/families/common.hpp"

namespace sw {
namespace {

/// Mamba (Gu & Dao 2023): one selective state space per block and nothing else.
constexpr std::string_view hf_architectures[] = {"MambaForCausalLM"};

constexpr TensorRule tensors[] = {
    {"backbone.embeddings.weight", "token_embd.weight"},
    {"backbone.layers.{}.norm.weight", "blk.{}.attn_norm.weight"},
    {"backbone.layers.{}.mixer.in_proj.weight", "blk.{}.ssm_in.weight"},
    {"backbone.layers.{}.mixer.in_proj.bias", "blk.{}.ssm_in.bias"},
    {"backbone.layers.{}.mixer.conv1d.weight", "blk.{}.ssm_conv1d.weight", Transform::drop_channels},
    {"backbone.layers.{}.mixer.conv1d.bias", "blk.{}.ssm_conv1d.bias"},
    {"backbone.layers.{}.mixer.x_proj.weight", "blk.{}.ssm_x.weight"},
    {"backbone.layers.{}.mixer.dt_proj.weight", "blk.{}.ssm_dt.weight"},
    {"backbone.layers.{}.mixer.dt_proj.bias", "blk.{}.ssm_dt.bias"},
    {"backbone.layers.{}.mixer.A_log", "blk.{}.ssm_a", Transform::negative_exp},
    {"backbone.layers.{}.mixer.D", "blk.{}.ssm_d"},
    {"backbone.layers.{}.mixer.out_proj.weight", "blk.{}.ssm_out.weight"},
    {"backbone.layers.{}.mixer.out_proj.bias", "blk.{}.ssm_out.bias"},
    {"backbone.norm_f.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

Result<ModelSpec> spec(const Checkpoint& checkpoint, int context) {
  const Keys keys(checkpoint.metadata, "mamba");
  SW_ASSIGN(ModelSpec model, read_common(checkpoint, keys, context));
  SW_ASSIGN(const int blocks, keys.size("block_count", max_blocks));
  Mamba mixer;
  SW_ASSIGN(mixer.inner, keys.size("ssm.inner_size"));
  SW_ASSIGN(mixer.state, keys.size("ssm.state_size", 4096));
  SW_ASSIGN(mixer.conv, keys.size("ssm.conv_kernel", 64));
  SW_ASSIGN(mixer.dt_rank, keys.size("ssm.time_step_rank"));
  mixer.bias = checkpoint.find("blk.0.ssm_in.bias");
  SW_ASSIGN(const bool normed, checkpoint.metadata.boolean_or("mamba.ssm.dt_b_c_rms", false));
  if (normed)
    return fail("metadata key 'mamba.ssm.dt_b_c_rms' is true", {}, "false: norms on dt, B and C are not Mamba 1");
  for (int i = 0; i < blocks; ++i) model.blocks.push_back({.mixer = mixer, .ffn = {}, .post_norms = false});
  return model;
}

Result<Checkpoint> import_config(const Metadata& config) {
  Checkpoint imported;
  Metadata& out = imported.metadata;
  SW_TRY(import_numbers(config, "mamba",
                        {{"hidden_size", "embedding_length"},
                         {"num_hidden_layers", "block_count"},
                         {"state_size", "ssm.state_size"},
                         {"conv_kernel", "ssm.conv_kernel"},
                         {"vocab_size", "vocab_size"}},
                        out));
  SW_TRY(import_norm_eps(config, "layer_norm_epsilon", "mamba", out));
  SW_ASSIGN(const int width, Keys(out, "mamba").size("embedding_length"));
  SW_ASSIGN(const std::int64_t expand, config.integer_or("expand", 2));
  if (expand < 1 || expand > 64) return fail(fmt::format("config.json's 'expand' is {}", expand), {}, "1 to 64");
  const MetadataValue* rank = config.find("time_step_rank");
  SW_ASSIGN(const std::int64_t dt_rank, rank && rank->type != MetadataValue::Type::string
                                            ? config.integer("time_step_rank")
                                            : Result<std::int64_t>((width + 15) / 16));
  if (dt_rank < 1 || dt_rank > Keys::max_size)
    return fail(fmt::format("config.json's 'time_step_rank' is {}", dt_rank), {}, "\"auto\" or a positive number");

  out.set("mamba.context_length", std::uint32_t{1} << 20);  // no positions: what llama.cpp writes
  out.set("mamba.feed_forward_length", std::uint32_t{0});
  out.set("mamba.attention.head_count", std::uint32_t{0});
  out.set("mamba.ssm.inner_size", static_cast<std::uint32_t>(expand * width));
  out.set("mamba.ssm.time_step_rank", static_cast<std::uint32_t>(dt_rank));
  out.set("mamba.ssm.dt_b_c_rms", false);
  return imported;
}

}  // namespace

extern const Family mamba_family;
const Family mamba_family{
    .architecture = "mamba",
    .hf_architectures = hf_architectures,
    .tensors = tensors,
    .tied_head = true,
    .spec = spec,
    .import_config = import_config,
};

}  // namespace sw
