#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/spec.hpp"
#include "train/pass.hpp"

namespace sw::train {

/// A differentiable part of a block: x += f(norm(x)), as the spec writes it. Everything it needs again for its backward
/// pass it writes into `kept`; between calls it remembers nothing. A new mixer or feed-forward part is one file with
/// one of these and one case in make_mixer() or make_feed_forward().
class Sublayer {
 public:
  virtual ~Sublayer() = default;

  virtual std::int64_t kept_floats(const Limits& limits) const = 0;
  virtual std::int64_t scratch_floats(const Limits& limits) const = 0;
  virtual std::int64_t thread_floats(const Limits& limits) const = 0;
  /// x [tokens, width].
  virtual void forward(Pass& pass, float* x, float* kept) const = 0;
  /// dx: the gradient of the outcome becomes that of the input. Overwrites `kept`.
  virtual void backward(Pass& pass, float* dx, float* kept) const = 0;
};

/// What the parts of one block share.
struct BlockPlace {
  const ModelSpec& spec;
  const Parameters& parameters;
  std::string prefix;  ///< "blk.3."
  bool post_norms;
};

/// Null for a block without the part.
std::unique_ptr<Sublayer> make_mixer(const BlockPlace& place, const Mixer& mixer);
std::unique_ptr<Sublayer> make_feed_forward(const BlockPlace& place, const Ffn& ffn);

std::unique_ptr<Sublayer> make_attention(const BlockPlace& place, const Attention& attention);
std::unique_ptr<Sublayer> make_mamba(const BlockPlace& place, const Mamba& mamba);
std::unique_ptr<Sublayer> make_mlp(const BlockPlace& place, std::int64_t hidden, Activation activation, bool gated);

/// The way from the residual stream into a part and back: x += post_norm(f(norm(x))), the post-norm where there is one.
class Residual {
 public:
  Residual(const BlockPlace& place, const std::string& norm, const std::string& post_norm);

  struct Kept {
    float *x, *r;              ///< [tokens, width], [tokens]: the input and 1 / its root mean square
    float *branch, *branch_r;  ///< the same of f's outcome, where it is normed
  };
  Kept keep(Floats& kept, std::int64_t tokens) const;

  /// normed = norm(x), [tile.count, width]; x is kept.
  void enter(Pass& pass, const Tile& tile, const float* x, const Kept& kept, float* normed) const;
  /// Where f's outcome goes, and whether it is added to what is there.
  float* target(const Tile& tile, float* x, const Kept& kept) const;
  bool adds() const { return !post_norm_; }
  /// x += post_norm(branch), where there is one.
  void leave(Pass& pass, const Tile& tile, const Kept& kept, float* x, float* width_scratch) const;

  /// The gradient of f's outcome, [tile.count, width], and the post-norm's.
  void leave_backward(Pass& pass, const Tile& tile, const Kept& kept, const float* dx, float* d_branch,
                      float* d_post_norm) const;
  /// normed again, for the gradients of the weights that multiplied it.
  void enter_again(Pass& pass, const Tile& tile, const Kept& kept, float* normed) const;
  /// dx += what comes back through the norm.
  void enter_backward(Pass& pass, const Tile& tile, const Kept& kept, const float* d_normed, float* dx,
                      float* d_norm) const;

  std::int64_t width() const { return width_; }
  const Slot& norm() const { return norm_; }
  const Slot& post_norm() const { return post_norm_; }

 private:
  Slot norm_, post_norm_;
  std::int64_t width_;
  float eps_;
};

}  // namespace sw::train
