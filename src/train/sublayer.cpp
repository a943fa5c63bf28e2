#include "train/sublayer.hpp"

#include <algorithm>

namespace sw::train {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 16 does not guess it

}  // namespace

std::unique_ptr<Sublayer> make_mixer(const BlockPlace& place, const Mixer& mixer) {
  return std::visit(Overloaded{[](std::monostate) { return std::unique_ptr<Sublayer>(); },
                               [&](const Attention& attention) { return make_attention(place, attention); },
                               [&](const Mamba& mamba) { return make_mamba(place, mamba); }},
                    mixer);
}

std::unique_ptr<Sublayer> make_feed_forward(const BlockPlace& place, const Ffn& ffn) {
  return std::visit(Overloaded{[](std::monostate) { return std::unique_ptr<Sublayer>(); },
                               [&](const GatedMlp& mlp) { return make_mlp(place, mlp.hidden, mlp.activation, true); },
                               [&](const Mlp& mlp) { return make_mlp(place, mlp.hidden, mlp.activation, false); }},
                    ffn);
}

Residual::Residual(const BlockPlace& place, const std::string& norm, const std::string& post_norm)
    : norm_(place.parameters.slot(place.prefix + norm)), width_(place.spec.width), eps_(place.spec.norm_eps) {
  if (place.post_norms) post_norm_ = place.parameters.slot(place.prefix + post_norm);
}

Residual::Kept Residual::keep(Floats& kept, std::int64_t tokens) const {
  Kept out{kept.take(tokens * width_), kept.take(tokens), nullptr, nullptr};
  if (post_norm_) {
    out.branch = kept.take(tokens * width_);
    out.branch_r = kept.take(tokens);
  }
  return out;
}

void Residual::enter(Pass& pass, const Tile& tile, const float* x, const Kept& kept, float* normed) const {
  std::copy_n(x + tile.first * width_, tile.count * width_, kept.x + tile.first * width_);
  for (std::int64_t i = 0; i < tile.count; ++i)
    kept.r[tile.first + i] =
        pass.ops.rms_norm(x + (tile.first + i) * width_, pass.value(norm_), eps_, width_, normed + i * width_);
}

float* Residual::target(const Tile& tile, float* x, const Kept& kept) const {
  return (post_norm_ ? kept.branch : x) + tile.first * width_;
}

void Residual::leave(Pass& pass, const Tile& tile, const Kept& kept, float* x, float* width_scratch) const {
  if (!post_norm_) return;
  for (std::int64_t row = tile.first; row < tile.first + tile.count; ++row) {
    kept.branch_r[row] =
        pass.ops.rms_norm(kept.branch + row * width_, pass.value(post_norm_), eps_, width_, width_scratch);
    pass.ops.add(width_scratch, width_, x + row * width_);
  }
}

void Residual::leave_backward(Pass& pass, const Tile& tile, const Kept& kept, const float* dx, float* d_branch,
                              float* d_post_norm) const {
  if (!post_norm_) {
    std::copy_n(dx + tile.first * width_, tile.count * width_, d_branch);
    return;
  }
  std::fill_n(d_branch, tile.count * width_, 0.0f);
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const std::int64_t row = tile.first + i;
    pass.ops.rms_norm_backward(dx + row * width_, kept.branch + row * width_, pass.value(post_norm_),
                               kept.branch_r[row], width_, d_branch + i * width_, d_post_norm);
  }
}

void Residual::enter_again(Pass& pass, const Tile& tile, const Kept& kept, float* normed) const {
  for (std::int64_t i = 0; i < tile.count; ++i)
    pass.ops.rms_norm(kept.x + (tile.first + i) * width_, pass.value(norm_), eps_, width_, normed + i * width_);
}

void Residual::enter_backward(Pass& pass, const Tile& tile, const Kept& kept, const float* d_normed, float* dx,
                              float* d_norm) const {
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const std::int64_t row = tile.first + i;
    pass.ops.rms_norm_backward(d_normed + i * width_, kept.x + row * width_, pass.value(norm_), kept.r[row], width_,
                               dx + row * width_, d_norm);
  }
}

}  // namespace sw::train
