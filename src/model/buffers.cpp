#include "model/buffers.hpp"

#include <algorithm>

namespace sw {

Widths widths_of(const ModelSpec& spec) {
  Widths w;
  w.input = spec.width;
  for (const BlockSpec& block : spec.blocks) {
    if (const auto* a = std::get_if<Attention>(&block.mixer)) {
      w.query = std::max<std::int64_t>(w.query, std::int64_t{a->n_heads} * a->head_dim);
      w.kv = std::max<std::int64_t>(w.kv, std::int64_t{a->kv_heads} * a->head_dim);
      w.heads = std::max<std::int64_t>(w.heads, a->n_heads);
      w.group = std::max<std::int64_t>(w.group, a->n_heads / a->kv_heads);
      w.head_dim = std::max<std::int64_t>(w.head_dim, a->head_dim);
    } else if (const auto* m = std::get_if<Mamba>(&block.mixer)) {
      w.inner = std::max<std::int64_t>(w.inner, m->inner);
      w.selection = std::max<std::int64_t>(w.selection, m->dt_rank + 2 * m->state);
    }
    if (const auto* f = std::get_if<GatedMlp>(&block.ffn)) w.hidden = std::max<std::int64_t>(w.hidden, f->hidden);
    if (const auto* f = std::get_if<Mlp>(&block.ffn)) w.hidden = std::max<std::int64_t>(w.hidden, f->hidden);
  }
  w.input = std::max({w.input, w.query, w.inner});
  return w;
}

void Buffers::lay_out(Arena arena, const ModelSpec& spec, std::int64_t tokens, std::int64_t logits_rows, int n_threads,
                      std::size_t& used) {
  const Widths w = widths_of(spec);
  const auto floats = [&](std::int64_t rows, std::int64_t cols) {
    return arena.take<float>(static_cast<std::size_t>(rows * cols));
  };
  const auto activations = [&](std::int64_t cols) {
    const auto cells = static_cast<std::size_t>(tokens * cols);
    Activations x;
    x.f32 = floats(tokens, cols);
    x.bf16 = arena.take<std::uint16_t>(static_cast<std::size_t>(tokens * bf16_stride(cols)));
    x.q8 = arena.take<std::int8_t>(cells);
    x.scales = arena.take<float>(static_cast<std::size_t>(tokens * activation_groups(cols)));
    x.sums = arena.take<float>(cells / 32);
    x.offsets32 = arena.take<std::int32_t>(cells / 32);
    x.offsets16 = arena.take<std::int32_t>(cells / 16);
    return x;
  };
  residual = floats(tokens, spec.width);
  input = activations(w.input);
  q = floats(tokens, w.query);
  k = floats(tokens, w.kv);
  v = floats(tokens, w.kv);
  hidden = activations(w.hidden);
  tile_cells = w.hidden > 0 ? std::max<std::int64_t>(tokens, 32) * activation_group : 0;
  gate.resize(static_cast<std::size_t>(n_threads));
  up.resize(static_cast<std::size_t>(n_threads));
  for (float*& tile : gate) tile = floats(1, tile_cells);
  for (float*& tile : up) tile = floats(1, tile_cells);
  if (w.selection > 0) {
    channels = floats(tokens, w.inner);
    time_steps = floats(tokens, w.inner);
    projected = floats(tokens, 2 * w.inner);
    selection = floats(tokens, w.selection);
  }
  branch = floats(tokens, spec.width);
  logits = floats(logits_rows, spec.vocab);
  cos.resize(spec.ropes.size());
  sin.resize(spec.ropes.size());
  for (std::size_t i = 0; i < spec.ropes.size(); ++i) {
    const auto pairs = static_cast<std::int64_t>(spec.ropes[i].inv_freq.size());
    cos[i] = floats(tokens, pairs);
    sin[i] = floats(tokens, pairs);
  }
  max_splits = (spec.context + kv_split - 1) / kv_split;
  partials = floats(std::min<std::int64_t>(tokens, split_tokens) * w.heads,
                    max_splits * partial_size(static_cast<int>(w.head_dim)));
  best = floats(n_threads, most_screened);
  bounds = floats(1, spec.vocab);
  apart = arena.take<std::uint16_t>(static_cast<std::size_t>((spec.vocab + panel_rows - 1) / panel_rows));
  position = arena.take<std::int64_t>(static_cast<std::size_t>(tokens));
  entry = arena.take<std::int32_t>(static_cast<std::size_t>(tokens));
  const std::size_t attention =
      attention_scratch(static_cast<int>(w.group), static_cast<int>(w.head_dim)) * sizeof(float);
  scratch.resize(static_cast<std::size_t>(n_threads));
  for (auto& piece : scratch)
    piece = arena.take<std::byte>(std::max(matmul_scratch_bytes(std::max(w.input, w.hidden)), attention));
  used = arena.used();
}

Result<Buffers> Buffers::create(const ModelSpec& spec, int max_tokens, int max_logits, int n_threads) {
  Buffers buffers;
  std::size_t bytes = 0;
  buffers.lay_out(Arena(), spec, max_tokens, max_logits, n_threads, bytes);
  SW_ASSIGN(buffers.memory_, Memory::allocate(bytes));
  buffers.lay_out(Arena(buffers.memory_), spec, max_tokens, max_logits, n_threads, bytes);
  return buffers;
}

}  // namespace sw
