#pragma once

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "model/spec.hpp"
#include "ops/ops.hpp"

namespace sw {

/// The widest values a spec passes between its ops.
struct Widths {
  std::int64_t input = 0;   ///< columns of a matrix, but for the last of a feed-forward part
  std::int64_t query = 0;   ///< n_heads · head_dim
  std::int64_t kv = 0;      ///< kv_heads · head_dim
  std::int64_t hidden = 0;  ///< of a feed-forward part
  std::int64_t inner = 0;   ///< channels of Mamba
  std::int64_t heads = 0, group = 0, head_dim = 0;
  std::int64_t selection = 0;  ///< Mamba: dt_rank + 2 · state
};
Widths widths_of(const ModelSpec& spec);

/// Everything a forward pass writes, allocated once: nothing is allocated per token.
struct Buffers {
  static Result<Buffers> create(const ModelSpec& spec, int max_tokens, int max_logits, int n_threads);

  float* residual = nullptr;  ///< [tokens, width]
  Activations input;          ///< of the next matrix product, rows of its columns
  float* q = nullptr;         ///< [tokens, n_heads · head_dim]
  float* k = nullptr;         ///< [tokens, kv_heads · head_dim]
  float* v = nullptr;
  Activations hidden;            ///< of a feed-forward part's last product
  std::vector<float*> gate, up;  ///< per thread: tile_cells of a feed-forward part's first products
  std::int64_t tile_cells = 0;
  float* channels = nullptr;     ///< Mamba: [tokens, inner] after the convolution
  float* time_steps = nullptr;   ///< Mamba: [tokens, inner]
  float* projected = nullptr;    ///< Mamba: [tokens, 2 · inner]
  float* selection = nullptr;    ///< Mamba: [tokens, dt_rank + 2 · state]
  float* branch = nullptr;       ///< [tokens, width]: a sub-layer's output that is normed before it is added
  float* logits = nullptr;       ///< [max_logits, vocab]
  std::vector<float*> cos, sin;  ///< per rope: [tokens, dims / 2]
  float* partials = nullptr;     ///< attention split over threads: [split_tokens, heads, splits, head_dim + 2]
  std::int64_t max_splits = 0;
  float* best = nullptr;             ///< [threads, most_screened]: the largest logits of a screen
  float* bounds = nullptr;           ///< [vocab]: of the logits that a screen left out
  std::uint16_t* apart = nullptr;    ///< [panels of the head], a bit a row: what a screen does not look at; all clear
  std::int64_t* position = nullptr;  ///< [tokens]
  std::int32_t* entry = nullptr;     ///< [tokens]: which entry of the batch a row belongs to
  std::vector<std::byte*> scratch;   ///< one piece per thread

  std::size_t bytes() const { return memory_.size(); }

  /// Batches of at most this many tokens split long contexts over threads.
  static constexpr int split_tokens = 16;
  /// A screen keeps this many logits at most.
  static constexpr int most_screened = 64;

 private:
  void lay_out(Arena arena, const ModelSpec& spec, std::int64_t tokens, std::int64_t logits_rows, int n_threads,
               std::size_t& used);
  Memory memory_;
};

}  // namespace sw
