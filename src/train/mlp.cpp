// Feed-forward part, plain or gated: down(f(gate(x)) · up(x)). Each tile of tokens goes through norm, both products,
// activation and the product back without leaving the cache.
#include "train/sublayer.hpp"

namespace sw::train {
namespace {

class MlpPart final : public Sublayer {
 public:
  MlpPart(const BlockPlace& place, std::int64_t hidden, Activation activation, bool gated)
      : residual_(place, "ffn_norm.weight", "post_ffw_norm.weight"),
        hidden_(hidden),
        activation_(activation),
        gated_(gated),
        down_(linear(place.parameters, place.prefix + "ffn_down")) {
    const std::string up = place.prefix + "ffn_up";
    const bool fused = gated && !place.parameters.find(place.prefix + "ffn_gate.weight");
    if (fused) {
      first_ = linear(place.parameters, up, 0, hidden);
      up_ = linear(place.parameters, up, hidden, hidden);
    } else {
      first_ = linear(place.parameters, gated ? place.prefix + "ffn_gate" : up);
      if (gated) up_ = linear(place.parameters, up);
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
  std::int64_t thread_floats(const Limits&) const override { return tile_tokens * (residual_.width() + hidden_) + 64; }

  void forward(Pass& pass, float* x, float* memory) const override {
    Floats arena(memory);
    const Kept kept = keep(arena, pass.tokens);
    pass.rows([&](const Tile& tile, int thread) {
      Floats own(pass.thread_scratch[static_cast<std::size_t>(thread)]);
      float* normed = own.take(tile_tokens * residual_.width());
      float* h = own.take(tile_tokens * hidden_);
      float* gate = kept.gate + tile.first * hidden_;
      float* up = gated_ ? kept.up + tile.first * hidden_ : nullptr;
      residual_.enter(pass, tile, x, kept.residual, normed);
      first_.forward(pass, thread, normed, residual_.width(), tile.count, gate, hidden_);
      if (gated_) up_.forward(pass, thread, normed, residual_.width(), tile.count, up, hidden_);
      pass.ops.activate(gate, up, activation_, tile.count * hidden_, h);
      down_.forward(pass, thread, h, hidden_, tile.count, residual_.target(tile, x, kept.residual), residual_.width(),
                    residual_.adds());
      residual_.leave(pass, tile, kept.residual, x, normed);
    });
  }

  void backward(Pass& pass, float* dx, float* memory) const override {
    Floats arena(memory), scratch(pass.scratch);
    const Kept kept = keep(arena, pass.tokens);
    const Scratch s(scratch, *this, pass.tokens);
    const std::int64_t width = residual_.width();
    const WeightGradient down{down_.weight, s.d_branch, s.h, width, hidden_, pass.tokens};
    const WeightGradient first{first_.weight, kept.gate, s.normed, hidden_, width, pass.tokens};
    const WeightGradient up_too{up_.weight, kept.up, s.normed, hidden_, width, pass.tokens};
    WeightGradients gradients =
        gated_ ? WeightGradients(pass, {down, first, up_too}) : WeightGradients(pass, {down, first});
    pass.rows([&](const Tile& tile, int thread) {
      Floats own(pass.thread_scratch[static_cast<std::size_t>(thread)]);
      float* d_normed = own.take(tile_tokens * width);
      float* dh = own.take(tile_tokens * hidden_);
      float* d_branch = s.d_branch + tile.first * width;
      float* gate = kept.gate + tile.first * hidden_;
      float* up = gated_ ? kept.up + tile.first * hidden_ : nullptr;
      residual_.leave_backward(pass, tile, kept.residual, dx, d_branch, s.d_post_norm.start(tile));
      down_.backward(pass, thread, d_branch, width, tile.count, dh, hidden_);
      pass.ops.activate_backward(dh, gate, up, activation_, tile.count * hidden_, s.h + tile.first * hidden_);
      first_.backward(pass, thread, gate, hidden_, tile.count, d_normed, width);
      if (gated_) up_.backward(pass, thread, up, hidden_, tile.count, d_normed, width, true);
      residual_.enter_again(pass, tile, kept.residual, s.normed + tile.first * width);
      residual_.enter_backward(pass, tile, kept.residual, d_normed, dx, s.d_norm.start(tile));
      gradients.convert(tile);
      if (first_.bias) sum_columns(pass.ops, gate, hidden_, tile.count, hidden_, s.d_first_bias.start(tile));
      if (up_.bias) sum_columns(pass.ops, up, hidden_, tile.count, hidden_, s.d_up_bias.start(tile));
      if (down_.bias) sum_columns(pass.ops, d_branch, width, tile.count, width, s.d_down_bias.start(tile));
    });
    s.d_norm.finish(pass, pass.gradient(residual_.norm()));
    if (residual_.post_norm()) s.d_post_norm.finish(pass, pass.gradient(residual_.post_norm()));
    if (first_.bias) s.d_first_bias.finish(pass, pass.gradient(first_.bias));
    if (up_.bias) s.d_up_bias.finish(pass, pass.gradient(up_.bias));
    if (down_.bias) s.d_down_bias.finish(pass, pass.gradient(down_.bias));
    gradients.add();
  }

 private:
  struct Kept {
    Residual::Kept residual;
    float *gate, *up;  ///< [tokens, hidden]
  };
  Kept keep(Floats& arena, std::int64_t tokens) const {
    Kept kept{residual_.keep(arena, tokens), arena.take(tokens * hidden_), nullptr};
    if (gated_) kept.up = arena.take(tokens * hidden_);
    return kept;
  }

  struct Scratch {
    Scratch(Floats& arena, const MlpPart& part, std::int64_t tokens)
        : d_branch(arena.take(tokens * part.residual_.width())),
          normed(arena.take(tokens * part.residual_.width())),
          h(arena.take(tokens * part.hidden_)),
          d_norm(arena, tokens, part.residual_.width()),
          d_post_norm(arena, tokens, part.residual_.width()),
          d_first_bias(arena, tokens, part.first_.bias ? part.hidden_ : 0),
          d_up_bias(arena, tokens, part.up_.bias ? part.hidden_ : 0),
          d_down_bias(arena, tokens, part.down_.bias ? part.residual_.width() : 0) {}
    float *d_branch, *normed, *h;  ///< [tokens, width], [tokens, width], [tokens, hidden]
    ColumnSums d_norm, d_post_norm, d_first_bias, d_up_bias, d_down_bias;
  };

  Residual residual_;
  std::int64_t hidden_;
  Activation activation_;
  bool gated_;
  Linear first_, up_, down_;  ///< first: gate, or up where there is no gate
};

}  // namespace

std::unique_ptr<Sublayer> make_mlp(const BlockPlace& place, std::int64_t hidden, Activation activation, bool gated) {
  return std::make_unique<MlpPart>(place, hidden, activation, gated);
}

}  // namespace sw::train
