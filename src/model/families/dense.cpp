#include "model/families/dense.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "model/families/common.hpp"
#include "model/families/keys.hpp"
#include "model/families/rope.hpp"

namespace sw {
namespace {

constexpr int max_heads = 4096, max_head_dim = 4096;

Result<Attention> read_attention(const Checkpoint& checkpoint, const Keys& keys, const DenseTraits& traits, int width) {
  Attention attention{};
  SW_ASSIGN(attention.n_heads, keys.size("attention.head_count", max_heads));
  SW_ASSIGN(attention.kv_heads, keys.size_or("attention.head_count_kv", attention.n_heads, max_heads));
  if (attention.n_heads % attention.kv_heads != 0)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("attention.head_count_kv"), attention.kv_heads), {},
                fmt::format("a divisor of the {} heads", attention.n_heads));
  if (!keys.metadata().find(keys.name("attention.key_length")) && width % attention.n_heads != 0)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("attention.head_count"), attention.n_heads), {},
                fmt::format("a divisor of the width, {}", width));
  SW_ASSIGN(attention.head_dim, keys.size_or("attention.key_length", width / attention.n_heads, max_head_dim));
  SW_ASSIGN(const int value_dim, keys.size_or("attention.value_length", attention.head_dim, max_head_dim));
  if (attention.head_dim < 1 || value_dim != attention.head_dim)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("attention.value_length"), value_dim), {},
                fmt::format("the key's length, {}", attention.head_dim));
  SW_ASSIGN(attention.scale,
            keys.positive_or("attention.scale", 1.0f / std::sqrt(static_cast<float>(attention.head_dim))));
  if (keys.metadata().find(keys.name("attn_logit_softcapping"))) {
    SW_ASSIGN(attention.softcap, keys.positive("attn_logit_softcapping"));
  }
  attention.qk_norm = traits.qk_norm;
  attention.qkv_bias =
      traits.qkv_bias || checkpoint.find("blk.0.attn_q.bias") || checkpoint.find("blk.0.attn_qkv.bias");
  attention.output_bias = checkpoint.find("blk.0.attn_output.bias");
  return attention;
}

/// Window of each block; 0 where it sees everything.
Result<std::vector<int>> read_windows(const Keys& keys, const DenseTraits& traits, int blocks) {
  std::vector<int> windows(static_cast<std::size_t>(blocks), 0);
  SW_ASSIGN(const std::int64_t window, keys.metadata().integer_or(keys.name("attention.sliding_window"), 0));
  if (window < 0 || window > Keys::max_positions)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("attention.sliding_window"), window), {},
                fmt::format("0 to {}", Keys::max_positions));
  const auto* pattern = keys.metadata().integers(keys.name("attention.sliding_window_pattern"));
  if (pattern && pattern->size() != windows.size())
    return fail(
        fmt::format("metadata key '{}' has {} entries", keys.name("attention.sliding_window_pattern"), pattern->size()),
        {}, fmt::format("one for each of the {} blocks", blocks));
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const bool windowed = pattern ? (*pattern)[i] != 0 : !traits.alternate_window || i % 2 == 0;
    if (windowed) windows[i] = static_cast<int>(window);
  }
  return windows;
}

/// The keys that say which blocks have a sliding window, and how wide it is.
Status import_windows(const Metadata& config, const DenseTraits& traits, std::int64_t blocks, Metadata& out) {
  SW_ASSIGN(const std::int64_t window, config.integer_or("sliding_window", 0));
  SW_ASSIGN(const bool used, config.boolean_or("use_sliding_window", true));
  SW_ASSIGN(const std::int64_t full_blocks, config.integer_or("max_window_layers", 0));
  if (window <= 0 || !used) return {};

  const auto* types = config.strings("layer_types");
  if (types && types->size() != static_cast<std::size_t>(blocks))
    return fail(fmt::format("config.json's 'layer_types' has {} entries", types->size()), {},
                fmt::format("one for each of the {} blocks", blocks));
  MetadataValue::Integers pattern, usual;
  for (std::int64_t i = 0; i < blocks; ++i) {
    usual.push_back(!traits.alternate_window || i % 2 == 0);
    pattern.push_back(types ? (*types)[static_cast<std::size_t>(i)] == "sliding_attention"
                            : i >= full_blocks && usual.back() != 0);
  }
  if (std::ranges::all_of(pattern, [](std::int64_t windowed) { return windowed == 0; })) return {};
  out.set(fmt::format("{}.attention.sliding_window", traits.architecture), static_cast<std::uint32_t>(window));
  if (pattern != usual)
    out.set(fmt::format("{}.attention.sliding_window_pattern", traits.architecture),
            MetadataValue{MetadataValue::Type::array, MetadataValue::Type::boolean, std::move(pattern)});
  return {};
}

}  // namespace

Result<ModelSpec> dense_spec(const Checkpoint& checkpoint, int context, const DenseTraits& traits) {
  const Keys keys(checkpoint.metadata, traits.architecture);
  SW_ASSIGN(ModelSpec spec, read_common(checkpoint, keys, context));
  SW_ASSIGN(const int blocks, keys.size("block_count", max_blocks));
  SW_ASSIGN(const int hidden, keys.size("feed_forward_length"));
  SW_ASSIGN(const Attention attention, read_attention(checkpoint, keys, traits, spec.width));
  SW_ASSIGN(const std::vector<int> windows, read_windows(keys, traits, blocks));
  SW_ASSIGN(Rope rope, read_rope(checkpoint, keys, traits.rope_layout, attention.head_dim, spec.context));
  spec.ropes.push_back(std::move(rope));
  if (traits.scaled_embedding) spec.embedding_scale = std::sqrt(static_cast<float>(spec.width));
  if (checkpoint.metadata.find(keys.name("final_logit_softcapping"))) {
    SW_ASSIGN(spec.final_softcap, keys.positive("final_logit_softcapping"));
  }
  const GatedMlp ffn{hidden, traits.activation, checkpoint.find("blk.0.ffn_up.bias") != nullptr};
  for (const int window : windows) {
    BlockSpec& block = spec.blocks.emplace_back(attention, ffn, traits.post_norms);
    std::get<Attention>(block.mixer).window = window;
  }
  return spec;
}

Result<Checkpoint> import_dense_config(const Metadata& config, const DenseTraits& traits) {
  Checkpoint imported;
  SW_TRY(import_numbers(config, traits.architecture,
                        {{"max_position_embeddings", "context_length"},
                         {"hidden_size", "embedding_length"},
                         {"num_hidden_layers", "block_count"},
                         {"intermediate_size", "feed_forward_length"},
                         {"num_attention_heads", "attention.head_count"},
                         {"vocab_size", "vocab_size"}},
                        imported.metadata));
  SW_TRY(import_norm_eps(config, "rms_norm_eps", traits.architecture, imported.metadata));

  const Keys keys(imported.metadata, traits.architecture);
  SW_ASSIGN(const int width, keys.size("embedding_length"));
  SW_ASSIGN(const int heads, keys.size("attention.head_count", max_heads));
  SW_ASSIGN(const int blocks, keys.size("block_count", max_blocks));
  SW_ASSIGN(const std::int64_t kv_heads, config.integer_or("num_key_value_heads", heads));
  SW_ASSIGN(const std::int64_t head_dim, config.integer_or("head_dim", width / heads));
  if (kv_heads < 1 || kv_heads > heads || head_dim < 1 || head_dim > max_head_dim)
    return fail(fmt::format("config.json asks for {} key/value heads of {} dimensions", kv_heads, head_dim), {},
                fmt::format("1 to {} heads of 1 to {} dimensions", heads, max_head_dim));
  Metadata& out = imported.metadata;
  out.set(keys.name("attention.head_count_kv"), static_cast<std::uint32_t>(kv_heads));
  out.set(keys.name("attention.key_length"), static_cast<std::uint32_t>(head_dim));
  out.set(keys.name("attention.value_length"), static_cast<std::uint32_t>(head_dim));

  SW_ASSIGN(const std::string activation, config.string_or("hidden_act", "silu"));
  if (traits.activation == Activation::silu && activation != "silu")
    return fail(fmt::format("config.json's 'hidden_act' is '{}'", activation), {}, "silu");
  SW_TRY(import_windows(config, traits, blocks, out));
  SW_TRY(import_rope(config, traits.architecture, static_cast<int>(head_dim), imported));
  return imported;
}

}  // namespace sw
