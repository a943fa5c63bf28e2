// Softmax attention with grouped heads, RoPE, windows, softcap and per-head norms.
#include <algorithm>

#include "train/sublayer.hpp"

namespace sw::train {
namespace {

class AttentionPart final : public Sublayer {
 public:
  AttentionPart(const BlockPlace& place, const Attention& attention)
      : spec_(attention),
        eps_(place.spec.norm_eps),
        q_size_(std::int64_t{attention.n_heads} * attention.head_dim),
        kv_size_(std::int64_t{attention.kv_heads} * attention.head_dim),
        layout_(attention.rope < 0 ? RopeLayout::half
                                   : place.spec.ropes[static_cast<std::size_t>(attention.rope)].layout),
        residual_(place, "attn_norm.weight", "post_attention_norm.weight"),
        output_(linear(place.parameters, place.prefix + "attn_output")),
        q_norm_(place.parameters.slot(place.prefix + "attn_q_norm.weight")),
        k_norm_(place.parameters.slot(place.prefix + "attn_k_norm.weight")) {
    const Parameters& parameters = place.parameters;
    if (const std::string fused = place.prefix + "attn_qkv"; parameters.find(fused + ".weight")) {
      q_ = linear(parameters, fused, 0, q_size_);
      k_ = linear(parameters, fused, q_size_, kv_size_);
      v_ = linear(parameters, fused, q_size_ + kv_size_, kv_size_);
    } else {
      q_ = linear(parameters, place.prefix + "attn_q");
      k_ = linear(parameters, place.prefix + "attn_k");
      v_ = linear(parameters, place.prefix + "attn_v");
    }
  }

  std::int64_t kept_floats(const Limits& limits) const override {
    Floats count;
    keep(count, limits.tokens);
    return count.used();
  }
  std::int64_t scratch_floats(const Limits& limits) const override {
    Floats count;
    Scratch(count, *this, limits.tokens);
    return count.used();
  }
  std::int64_t thread_floats(const Limits& limits) const override {
    return std::max(tile_tokens * residual_.width() + spec_.head_dim + 64,
                    attention_scratch(limits.sequence, spec_.head_dim));
  }

  void forward(Pass& pass, float* x, float* memory) const override {
    Floats arena(memory);
    const Kept kept = keep(arena, pass.tokens);
    const std::int64_t width = residual_.width();
    pass.rows([&](const Tile& tile, int thread) {
      float* normed = pass.thread_scratch[static_cast<std::size_t>(thread)];
      residual_.enter(pass, tile, x, kept.residual, normed);
      q_.forward(pass, thread, normed, width, tile.count, kept.q + tile.first * q_size_, q_size_);
      k_.forward(pass, thread, normed, width, tile.count, kept.k + tile.first * kv_size_, kv_size_);
      v_.forward(pass, thread, normed, width, tile.count, kept.v + tile.first * kv_size_, kv_size_);
      finish_heads(pass, tile, kept.q, kept.raw_q, kept.r_q, spec_.n_heads, q_norm_);
      finish_heads(pass, tile, kept.k, kept.raw_k, kept.r_k, spec_.kv_heads, k_norm_);
    });
    each_head(pass, [&](const Segment& segment, int head, int thread) {
      pass.gemm.attention().forward(arguments(pass, kept, segment, head, thread));
    });
    pass.rows([&](const Tile& tile, int thread) {
      output_.forward(pass, thread, kept.out + tile.first * q_size_, q_size_, tile.count,
                      residual_.target(tile, x, kept.residual), width, residual_.adds());
      residual_.leave(pass, tile, kept.residual, x, pass.thread_scratch[static_cast<std::size_t>(thread)]);
    });
  }

  void backward(Pass& pass, float* dx, float* memory) const override {
    Floats arena(memory), scratch(pass.scratch);
    const Kept kept = keep(arena, pass.tokens);
    const Scratch s(scratch, *this, pass.tokens);
    const std::int64_t width = residual_.width();
    pass.rows([&](const Tile& tile, int thread) {
      float* d_branch = s.d_branch + tile.first * width;
      residual_.leave_backward(pass, tile, kept.residual, dx, d_branch, s.d_post_norm.start(tile));
      output_.backward(pass, thread, d_branch, width, tile.count, s.d_q + tile.first * q_size_, q_size_);
      if (output_.bias) sum_columns(pass.ops, d_branch, width, tile.count, width, s.d_output_bias.start(tile));
    });
    each_head(pass, [&](const Segment& segment, int head, int thread) {
      const std::int64_t q = segment.first * q_size_ + head * group() * spec_.head_dim;
      const std::int64_t kv = segment.first * kv_size_ + head * spec_.head_dim;
      pass.gemm.attention().backward(arguments(pass, kept, segment, head, thread),
                                     {.d_out = s.d_q + q, .d_q = s.d_q + q, .d_k = s.d_k + kv, .d_v = s.d_v + kv});
    });
    WeightGradients gradients(pass, {{output_.weight, s.d_branch, kept.out, width, q_size_, pass.tokens},
                                     {q_.weight, s.d_q, s.normed, q_size_, width, pass.tokens},
                                     {k_.weight, s.d_k, s.normed, kv_size_, width, pass.tokens},
                                     {v_.weight, s.d_v, s.normed, kv_size_, width, pass.tokens}});
    pass.rows([&](const Tile& tile, int thread) {
      float* d_normed = pass.thread_scratch[static_cast<std::size_t>(thread)];
      float* head = d_normed + tile_tokens * width;
      float *d_q = s.d_q + tile.first * q_size_, *d_k = s.d_k + tile.first * kv_size_,
            *d_v = s.d_v + tile.first * kv_size_;
      finish_heads_backward(pass, tile, d_q, kept.raw_q, kept.r_q, spec_.n_heads, q_norm_, head, s.d_q_norm);
      finish_heads_backward(pass, tile, d_k, kept.raw_k, kept.r_k, spec_.kv_heads, k_norm_, head, s.d_k_norm);
      q_.backward(pass, thread, d_q, q_size_, tile.count, d_normed, width);
      k_.backward(pass, thread, d_k, kv_size_, tile.count, d_normed, width, true);
      v_.backward(pass, thread, d_v, kv_size_, tile.count, d_normed, width, true);
      residual_.enter_again(pass, tile, kept.residual, s.normed + tile.first * width);
      residual_.enter_backward(pass, tile, kept.residual, d_normed, dx, s.d_norm.start(tile));
      gradients.convert(tile);
      if (!q_.bias) return;
      sum_columns(pass.ops, d_q, q_size_, tile.count, q_size_, s.d_q_bias.start(tile));
      sum_columns(pass.ops, d_k, kv_size_, tile.count, kv_size_, s.d_k_bias.start(tile));
      sum_columns(pass.ops, d_v, kv_size_, tile.count, kv_size_, s.d_v_bias.start(tile));
    });
    s.d_norm.finish(pass, pass.gradient(residual_.norm()));
    if (residual_.post_norm()) s.d_post_norm.finish(pass, pass.gradient(residual_.post_norm()));
    if (output_.bias) s.d_output_bias.finish(pass, pass.gradient(output_.bias));
    if (q_norm_) s.d_q_norm.finish(pass, pass.gradient(q_norm_));
    if (k_norm_) s.d_k_norm.finish(pass, pass.gradient(k_norm_));
    if (q_.bias) {
      s.d_q_bias.finish(pass, pass.gradient(q_.bias));
      s.d_k_bias.finish(pass, pass.gradient(k_.bias));
      s.d_v_bias.finish(pass, pass.gradient(v_.bias));
    }
    gradients.add();
  }

 private:
  struct Kept {
    Residual::Kept residual;
    float *q, *k, *v;                  ///< as attention sees them
    float *out, *lse;                  ///< [tokens, heads · head_dim], [tokens, heads]
    float *raw_q, *raw_k, *r_q, *r_k;  ///< before their norms, and 1 / their root mean squares
  };
  Kept keep(Floats& arena, std::int64_t tokens) const {
    Kept kept{residual_.keep(arena, tokens),
              arena.take(tokens * q_size_),
              arena.take(tokens * kv_size_),
              arena.take(tokens * kv_size_),
              arena.take(tokens * q_size_),
              arena.take(tokens * spec_.n_heads),
              nullptr,
              nullptr,
              nullptr,
              nullptr};
    if (q_norm_) {
      kept.raw_q = arena.take(tokens * q_size_);
      kept.r_q = arena.take(tokens * spec_.n_heads);
      kept.raw_k = arena.take(tokens * kv_size_);
      kept.r_k = arena.take(tokens * spec_.kv_heads);
    }
    return kept;
  }

  struct Scratch {
    Scratch(Floats& arena, const AttentionPart& part, std::int64_t tokens)
        : d_branch(arena.take(tokens * part.residual_.width())),
          normed(arena.take(tokens * part.residual_.width())),
          d_q(arena.take(tokens * part.q_size_)),
          d_k(arena.take(tokens * part.kv_size_)),
          d_v(arena.take(tokens * part.kv_size_)),
          d_norm(arena, tokens, part.residual_.width()),
          d_post_norm(arena, tokens, part.residual_.width()),
          d_output_bias(arena, tokens, part.output_.bias ? part.residual_.width() : 0),
          d_q_bias(arena, tokens, part.q_.bias ? part.q_size_ : 0),
          d_k_bias(arena, tokens, part.q_.bias ? part.kv_size_ : 0),
          d_v_bias(arena, tokens, part.q_.bias ? part.kv_size_ : 0),
          d_q_norm(arena, tokens, part.spec_.head_dim),
          d_k_norm(arena, tokens, part.spec_.head_dim) {}
    float *d_branch, *normed;  ///< [tokens, width]
    float *d_q, *d_k, *d_v;    ///< d_q holds the gradient of the attention's outcome first
    ColumnSums d_norm, d_post_norm, d_output_bias, d_q_bias, d_k_bias, d_v_bias, d_q_norm, d_k_norm;
  };

  int group() const { return spec_.n_heads / spec_.kv_heads; }

  /// f(segment, key/value head, thread): the tasks of attention.
  template <class F>
  void each_head(Pass& pass, F&& f) const {
    const auto tasks = static_cast<std::int64_t>(pass.segments.size()) * spec_.kv_heads;
    pass.pool.parallel_for(tasks, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      for (std::int64_t task = begin; task < end; ++task)
        f(pass.segments[static_cast<std::size_t>(task / spec_.kv_heads)], static_cast<int>(task % spec_.kv_heads),
          thread);
    });
  }

  AttentionArgs arguments(Pass& pass, const Kept& kept, const Segment& segment, int head, int thread) const {
    const std::int64_t q = segment.first * q_size_ + head * group() * spec_.head_dim;
    const std::int64_t kv = segment.first * kv_size_ + head * spec_.head_dim;
    return {.q = kept.q + q,
            .k = kept.k + kv,
            .v = kept.v + kv,
            .q_stride = q_size_,
            .kv_stride = kv_size_,
            .tokens = segment.count,
            .group = group(),
            .head_dim = spec_.head_dim,
            .window = spec_.window,
            .scale = spec_.scale,
            .softcap = spec_.softcap,
            .out = kept.out + q,
            .lse = kept.lse + segment.first * spec_.n_heads + head * group(),
            .lse_stride = spec_.n_heads,
            .scratch = pass.thread_scratch[static_cast<std::size_t>(thread)]};
  }

  void rotate(Pass& pass, float* head, std::int64_t row, float sign) const {
    if (spec_.rope < 0) return;
    const RopeTable& table = pass.ropes[static_cast<std::size_t>(spec_.rope)];
    const std::int64_t at = std::int64_t{pass.positions[static_cast<std::size_t>(row)]} * table.pairs;
    pass.ops.rope(head, table.cos.data() + at, table.sin.data() + at, table.pairs, layout_, sign);
  }

  /// Norm and rotation of every head of the tile.
  void finish_heads(Pass& pass, const Tile& tile, float* x, float* raw, float* r, int heads, const Slot& norm) const {
    const std::int64_t d = spec_.head_dim, size = heads * d;
    if (norm) std::copy_n(x + tile.first * size, tile.count * size, raw + tile.first * size);
    for (std::int64_t row = tile.first; row < tile.first + tile.count; ++row)
      for (int h = 0; h < heads; ++h) {
        float* head = x + row * size + h * d;
        if (norm) r[row * heads + h] = pass.ops.rms_norm(raw + row * size + h * d, pass.value(norm), eps_, d, head);
        rotate(pass, head, row, 1);
      }
  }

  void finish_heads_backward(Pass& pass, const Tile& tile, float* dx, const float* raw, const float* r, int heads,
                             const Slot& norm, float* head_scratch, const ColumnSums& d_norm) const {
    const std::int64_t d = spec_.head_dim, size = heads * d;
    float* d_weight = norm ? d_norm.start(tile) : nullptr;
    for (std::int64_t i = 0; i < tile.count; ++i)
      for (int h = 0; h < heads; ++h) {
        const std::int64_t row = tile.first + i;
        float* head = dx + i * size + h * d;
        rotate(pass, head, row, -1);
        if (!norm) continue;
        std::fill_n(head_scratch, d, 0.0f);
        pass.ops.rms_norm_backward(head, raw + row * size + h * d, pass.value(norm), r[row * heads + h], d,
                                   head_scratch, d_weight);
        std::copy_n(head_scratch, d, head);
      }
  }

  Attention spec_;
  float eps_;
  std::int64_t q_size_, kv_size_;
  RopeLayout layout_;
  Residual residual_;
  Linear q_, k_, v_, output_;
  Slot q_norm_, k_norm_;
};

}  // namespace

std::unique_ptr<Sublayer> make_attention(const BlockPlace& place, const Attention& attention) {
  return std::make_unique<AttentionPart>(place, attention);
}

}  // namespace sw::train
