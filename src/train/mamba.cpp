// Selective state space (Gu & Dao 2023): project in, convolve, choose dt, B and C, scan, gate, project out.
#include <algorithm>

#include "train/sublayer.hpp"

namespace sw::train {
namespace {

/// Channels of one task. Each writes its share of the gradients of B and C, which all channels have in common.
constexpr std::int64_t piece_channels = 64;

class MambaPart final : public Sublayer {
 public:
  MambaPart(const BlockPlace& place, const Mamba& mamba)
      : spec_(mamba),
        residual_(place, "attn_norm.weight", "post_attention_norm.weight"),
        in_(linear(place.parameters, place.prefix + "ssm_in")),
        select_(linear(place.parameters, place.prefix + "ssm_x")),
        dt_(linear(place.parameters, place.prefix + "ssm_dt")),
        out_(linear(place.parameters, place.prefix + "ssm_out")),
        conv_(linear(place.parameters, place.prefix + "ssm_conv1d")),
        a_log_(place.parameters.slot(place.prefix + "ssm_a")),
        d_(place.parameters.slot(place.prefix + "ssm_d")) {}

  std::int64_t kept_floats(const Limits& limits) const override {
    Floats count;
    keep(count, limits.tokens, limits.segments);
    return count.used();
  }
  std::int64_t scratch_floats(const Limits& limits) const override {
    Floats count;
    Scratch(count, *this, limits.tokens);
    return count.used();
  }
  std::int64_t thread_floats(const Limits&) const override {
    return std::max(tile_tokens * (residual_.width() + inner()) + 64, scan_scratch(spec_.state));
  }

  void forward(Pass& pass, float* x, float* memory) const override {
    Floats arena(memory);
    const Kept kept = keep(arena, pass.tokens, static_cast<std::int64_t>(pass.segments.size()));
    const std::int64_t width = residual_.width();
    pass.rows([&](const Tile& tile, int thread) {
      float* normed = pass.thread_scratch[static_cast<std::size_t>(thread)];
      residual_.enter(pass, tile, x, kept.residual, normed);
      in_.forward(pass, thread, normed, width, tile.count, kept.xz + tile.first * 2 * inner(), 2 * inner());
    });
    each_piece(pass, [&](const Segment& segment, std::int64_t, std::int64_t begin, std::int64_t end, int) {
      pass.ops.conv(conv_arguments(pass, kept, segment), begin, end, kept.u + segment.first * inner());
    });
    pass.rows([&](const Tile& tile, int thread) {
      float* selected = kept.selected + tile.first * selection();
      select_.forward(pass, thread, kept.u + tile.first * inner(), inner(), tile.count, selected, selection());
      dt_.forward(pass, thread, selected, selection(), tile.count, kept.dt + tile.first * inner(), inner());
    });
    each_piece(pass, [&](const Segment& segment, std::int64_t chunk, std::int64_t begin, std::int64_t end, int) {
      pass.ops.scan(scan_arguments(pass, kept, segment, chunk), begin, end);
    });
    pass.rows([&](const Tile& tile, int thread) {
      Floats own(pass.thread_scratch[static_cast<std::size_t>(thread)]);
      float* row_scratch = own.take(tile_tokens * width);
      float* h = own.take(tile_tokens * inner());
      gate(pass, tile, kept, h);
      out_.forward(pass, thread, h, inner(), tile.count, residual_.target(tile, x, kept.residual), width,
                   residual_.adds());
      residual_.leave(pass, tile, kept.residual, x, row_scratch);
    });
  }

  void backward(Pass& pass, float* dx, float* memory) const override {
    Floats arena(memory), scratch(pass.scratch);
    const Kept kept = keep(arena, pass.tokens, static_cast<std::int64_t>(pass.segments.size()));
    const Scratch s(scratch, *this, pass.tokens);
    const std::int64_t width = residual_.width();
    pass.rows([&](const Tile& tile, int thread) {
      Floats own(pass.thread_scratch[static_cast<std::size_t>(thread)]);
      own.take(tile_tokens * width);
      float* dh = own.take(tile_tokens * inner());
      float* d_branch = s.d_branch + tile.first * width;
      residual_.leave_backward(pass, tile, kept.residual, dx, d_branch, s.d_post_norm.start(tile));
      out_.backward(pass, thread, d_branch, width, tile.count, dh, inner());
      gate(pass, tile, kept, s.h + tile.first * inner());
      for (std::int64_t i = 0; i < tile.count; ++i) {
        const std::int64_t row = tile.first + i;
        pass.ops.gate_backward(dh + i * inner(), kept.y + row * inner(), kept.xz + (2 * row + 1) * inner(), inner(),
                               s.d_y + row * inner(), s.d_xz + (2 * row + 1) * inner());
      }
      if (out_.bias) sum_columns(pass.ops, d_branch, width, tile.count, width, s.d_out_bias.start(tile));
    });
    each_piece(pass, [&](const Segment& segment, std::int64_t chunk, std::int64_t begin, std::int64_t end, int thread) {
      float* d_bc = s.d_bc + (begin / piece_channels * pass.tokens + segment.first) * 2 * spec_.state;
      const std::int64_t at = segment.first * inner();
      pass.ops.scan_backward(scan_arguments(pass, kept, segment, chunk),
                             {.d_y = s.d_y + at,
                              .d_u = s.d_u + at,
                              .d_dt = s.d_dt + at,
                              .d_b = d_bc,
                              .d_c = d_bc + spec_.state,
                              .d_a_log = pass.gradient(a_log_),
                              .d_d = pass.gradient(d_),
                              .d_bc_stride = 2 * spec_.state,
                              .scratch = pass.thread_scratch[static_cast<std::size_t>(thread)]},
                             begin, end);
    });
    pass.rows([&](const Tile& tile, int thread) {
      float* d_selected = s.d_selected + tile.first * selection();
      float* d_dt = s.d_dt + tile.first * inner();
      dt_.backward(pass, thread, d_dt, inner(), tile.count, d_selected, selection());
      for (std::int64_t i = 0; i < tile.count; ++i) {
        float* d_bc = d_selected + i * selection() + spec_.dt_rank;
        std::fill_n(d_bc, 2 * spec_.state, 0.0f);
        for (std::int64_t piece = 0; piece < pieces(); ++piece)
          pass.ops.add(s.d_bc + (piece * pass.tokens + tile.first + i) * 2 * spec_.state, 2 * spec_.state, d_bc);
      }
      select_.backward(pass, thread, d_selected, selection(), tile.count, s.d_u + tile.first * inner(), inner(), true);
      sum_columns(pass.ops, d_dt, inner(), tile.count, inner(), s.d_dt_bias.start(tile));
    });
    each_piece(pass, [&](const Segment& segment, std::int64_t, std::int64_t begin, std::int64_t end, int) {
      pass.ops.conv_backward(conv_arguments(pass, kept, segment), begin, end, s.d_u + segment.first * inner(),
                             s.d_xz + segment.first * 2 * inner(), 2 * inner(), pass.gradient(conv_.weight),
                             pass.gradient(conv_.bias));
    });
    WeightGradients gradients(pass, {{out_.weight, s.d_branch, s.h, width, inner(), pass.tokens},
                                     {dt_.weight, s.d_dt, kept.selected, inner(), selection(), pass.tokens},
                                     {select_.weight, s.d_selected, kept.u, selection(), inner(), pass.tokens},
                                     {in_.weight, s.d_xz, s.normed, 2 * inner(), width, pass.tokens}});
    pass.rows([&](const Tile& tile, int thread) {
      float* d_normed = pass.thread_scratch[static_cast<std::size_t>(thread)];
      const float* d_xz = s.d_xz + tile.first * 2 * inner();
      in_.backward(pass, thread, d_xz, 2 * inner(), tile.count, d_normed, width);
      residual_.enter_again(pass, tile, kept.residual, s.normed + tile.first * width);
      residual_.enter_backward(pass, tile, kept.residual, d_normed, dx, s.d_norm.start(tile));
      gradients.convert(tile);
      if (in_.bias) sum_columns(pass.ops, d_xz, 2 * inner(), tile.count, 2 * inner(), s.d_in_bias.start(tile));
    });
    s.d_norm.finish(pass, pass.gradient(residual_.norm()));
    if (residual_.post_norm()) s.d_post_norm.finish(pass, pass.gradient(residual_.post_norm()));
    s.d_dt_bias.finish(pass, pass.gradient(dt_.bias));
    if (in_.bias) s.d_in_bias.finish(pass, pass.gradient(in_.bias));
    if (out_.bias) s.d_out_bias.finish(pass, pass.gradient(out_.bias));
    gradients.add();
  }

 private:
  struct Kept {
    Residual::Kept residual;
    float* xz;        ///< [tokens, 2·inner]: what is convolved, and the gate
    float* u;         ///< [tokens, inner] after the convolution
    float* selected;  ///< [tokens, dt_rank + 2·state]: dt, B, C
    float* dt;        ///< [tokens, inner] before softplus
    float* y;         ///< [tokens, inner] before the gate
    float* states;    ///< [chunks of all segments, state, inner]
  };
  Kept keep(Floats& arena, std::int64_t tokens, std::int64_t segments) const {
    return {residual_.keep(arena, tokens),
            arena.take(tokens * 2 * inner()),
            arena.take(tokens * inner()),
            arena.take(tokens * selection()),
            arena.take(tokens * inner()),
            arena.take(tokens * inner()),
            arena.take((tokens / scan_chunk + segments) * spec_.state * inner())};
  }

  struct Scratch {
    Scratch(Floats& arena, const MambaPart& part, std::int64_t tokens)
        : d_branch(arena.take(tokens * part.residual_.width())),
          normed(arena.take(tokens * part.residual_.width())),
          h(arena.take(tokens * part.inner())),
          d_y(arena.take(tokens * part.inner())),
          d_u(arena.take(tokens * part.inner())),
          d_dt(arena.take(tokens * part.inner())),
          d_xz(arena.take(tokens * 2 * part.inner())),
          d_selected(arena.take(tokens * part.selection())),
          d_bc(arena.take(part.pieces() * tokens * 2 * part.spec_.state)),
          d_norm(arena, tokens, part.residual_.width()),
          d_post_norm(arena, tokens, part.residual_.width()),
          d_out_bias(arena, tokens, part.residual_.width()),
          d_dt_bias(arena, tokens, part.inner()),
          d_in_bias(arena, tokens, 2 * part.inner()) {}
    float *d_branch, *normed, *h, *d_y, *d_u, *d_dt, *d_xz, *d_selected;
    float* d_bc;  ///< [pieces, tokens, 2·state]
    ColumnSums d_norm, d_post_norm, d_out_bias, d_dt_bias, d_in_bias;
  };

  std::int64_t inner() const { return spec_.inner; }
  std::int64_t selection() const { return spec_.dt_rank + 2 * std::int64_t{spec_.state}; }
  std::int64_t pieces() const { return (inner() + piece_channels - 1) / piece_channels; }

  /// f(segment, its first chunk, begin, end, thread) for pieces of the channels, each through all segments in order.
  template <class F>
  void each_piece(Pass& pass, F&& f) const {
    pass.pool.parallel_for(pieces(), 1, [&](std::int64_t from, std::int64_t to, int thread) {
      for (std::int64_t piece = from; piece < to; ++piece) {
        std::int64_t chunk = 0;
        for (const Segment& segment : pass.segments) {
          f(segment, chunk, piece * piece_channels, std::min(inner(), (piece + 1) * piece_channels), thread);
          chunk += (segment.count + scan_chunk - 1) / scan_chunk;
        }
      }
    });
  }

  ConvArgs conv_arguments(Pass& pass, const Kept& kept, const Segment& segment) const {
    return {.x = kept.xz + segment.first * 2 * inner(),
            .x_stride = 2 * inner(),
            .weight = pass.value(conv_.weight),
            .bias = pass.value(conv_.bias),
            .inner = inner(),
            .tokens = segment.count,
            .conv = spec_.conv};
  }

  ScanArgs scan_arguments(Pass& pass, const Kept& kept, const Segment& segment, std::int64_t chunk) const {
    const float* selected = kept.selected + segment.first * selection();
    return {.u = kept.u + segment.first * inner(),
            .dt = kept.dt + segment.first * inner(),
            .b = selected + spec_.dt_rank,
            .c = selected + spec_.dt_rank + spec_.state,
            .a_log = pass.value(a_log_),
            .d = pass.value(d_),
            .y = kept.y + segment.first * inner(),
            .states = kept.states + chunk * spec_.state * inner(),
            .inner = inner(),
            .bc_stride = selection(),
            .tokens = segment.count,
            .state = spec_.state};
  }

  void gate(Pass& pass, const Tile& tile, const Kept& kept, float* h) const {
    for (std::int64_t i = 0; i < tile.count; ++i) {
      const std::int64_t row = tile.first + i;
      pass.ops.gate(kept.y + row * inner(), kept.xz + (2 * row + 1) * inner(), inner(), h + i * inner());
    }
  }

  Mamba spec_;
  Residual residual_;
  Linear in_, select_, dt_, out_, conv_;
  Slot a_log_, d_;
};

}  // namespace

std::unique_ptr<Sublayer> make_mamba(const BlockPlace& place, const Mamba& mamba) {
  return std::make_unique<MambaPart>(place, mamba);
}

}  // namespace sw::train
