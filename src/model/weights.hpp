#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/thread_pool.hpp"
#include "formats/checkpoint.hpp"
#include "model/spec.hpp"
#include "ops/ops.hpp"

namespace sw {

/// y = W·x + bias.
struct Linear {
  PackedMatrix matrix;
  std::vector<float> bias;  ///< empty: none
};

struct AttentionWeights {
  Linear q, k, v, output;
  std::vector<float> q_norm, k_norm;  ///< [head_dim], empty without qk_norm
};

struct MambaWeights {
  Linear in, x, dt, out;
  std::vector<float> conv, conv_bias;  ///< [conv, inner], [inner]
  std::vector<float> a, d;             ///< [state, inner], [inner]
};

struct MlpWeights {
  Linear gate, up, down;  ///< gate is empty in a plain MLP
};

struct BlockWeights {
  std::vector<float> mixer_norm, ffn_norm, post_mixer_norm, post_ffn_norm;
  std::variant<std::monostate, AttentionWeights, MambaWeights> mixer;
  MlpWeights ffn;
};

struct WeightsOptions {
  /// The instruction set that will multiply them; null: the best one.
  const Kernels* kernels = nullptr;
  /// Multiply 16-bit floats in fp32 even where the machine multiplies BF16 pairs faster.
  bool exact_floats = false;
};

/// A model's weights as the kernels want them: matrices packed once into memory of their own, vectors as fp32. The
/// embedding is read row by row from where it is stored.
class Weights {
 public:
  /// `spec` must have been checked against the checkpoint (read_spec).
  static Result<std::shared_ptr<const Weights>> load(const ModelSpec& spec, const Checkpoint& checkpoint,
                                                     const WeightsOptions& options, ThreadPool& pool);

  const std::vector<BlockWeights>& blocks() const { return blocks_; }
  const std::vector<float>& output_norm() const { return output_norm_; }
  const Linear& head() const { return head_; }
  /// Row `token` of the embedding, [width]. It is copied from its file, not mapped: a page fault brings 16 pages and
  /// more into memory for a row. `scratch`: 4 · width bytes.
  Status embed(std::int64_t token, float* out, std::byte* scratch) const;

  /// The kernels they were packed for.
  const Kernels& ops() const { return *kernels_; }
  /// Bytes of the packed matrices and vectors.
  std::size_t bytes() const { return memory_.size(); }

 private:
  const Kernels* kernels_ = nullptr;
  std::vector<BlockWeights> blocks_;
  std::vector<float> output_norm_;
  Linear head_;
  TensorView embedding_;
  std::shared_ptr<const MappedFile> embedding_file_;  // null: embedding_ is in owned_ or in memory that stays
  std::vector<std::shared_ptr<const std::vector<std::byte>>> owned_;
  Memory memory_;
};

}  // namespace sw
