#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/thread_pool.hpp"
#include "train/parameters.hpp"

namespace sw::train {

enum class OptimizerKind : std::uint8_t {
  adamw,  ///< Loshchilov & Hutter 2019, for everything
  muon,   ///< Jordan et al. 2024, for the matrices of blocks; AdamW for the rest
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adamw;
  float beta1 = 0.9f, beta2 = 0.95f, epsilon = 1e-8f;
  float weight_decay = 0.1f;  ///< of matrices; embeddings, norms and biases do not decay
  float momentum = 0.95f;     ///< Muon's, Nesterov's form
};

/// Updates parameters from their gradients. Its state is arrays as long as the parameters', so that they are stored and
/// resumed like them.
class Optimizer {
 public:
  static Result<Optimizer> create(const Parameters& parameters, const OptimizerOptions& options, ThreadPool& pool);

  /// `step` counts from 1.
  void update(float rate, std::int64_t step);
  /// What a checkpoint must hold besides the values, by name.
  std::vector<std::pair<std::string, std::span<float>>> state() const;

 private:
  Optimizer(const Parameters& parameters, const OptimizerOptions& options, ThreadPool& pool)
      : parameters_(&parameters), options_(options), pool_(&pool) {}
  bool is_orthogonalized(const Parameter& p) const;
  void update_adamw(const Parameter& p, float rate, std::int64_t step);
  void update_muon(const Parameter& p, float rate);

  const Parameters* parameters_;
  OptimizerOptions options_;
  ThreadPool* pool_;
  Memory first_, second_;  ///< AdamW's moments; Muon's momentum is in `first_`
  std::vector<float> work_;
};

/// The norm of all gradients together, and the first tensor with one that is not finite (empty: none).
struct GradientNorm {
  double norm = 0;
  std::string not_finite;
};
GradientNorm gradient_norm(const Parameters& parameters, ThreadPool& pool);
void scale_gradients(const Parameters& parameters, float factor, ThreadPool& pool);

/// Newton–Schulz, five steps of Jordan's quintic: u [rows, cols] becomes nearly orthogonal, its singular values within
/// 0.7 and 1.2. `work` grows as needed.
void orthogonalize(std::span<float> u, std::int64_t rows, std::int64_t cols, ThreadPool& pool,
                   std::vector<float>& work);

/// An exponential moving average of the parameters, which is what is evaluated and published where it is on.
class Average {
 public:
  static Result<Average> create(const Parameters& parameters);
  /// Starts from the present values.
  void reset(const Parameters& parameters);
  void update(const Parameters& parameters, float decay, ThreadPool& pool);
  std::span<float> values() const { return {reinterpret_cast<float*>(memory_.data()), memory_.size() / sizeof(float)}; }

 private:
  Memory memory_;
};

}  // namespace sw::train
