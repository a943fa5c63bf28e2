#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/spec.hpp"
#include "train/loss.hpp"
#include "train/parameters.hpp"
#include "train/pass.hpp"

namespace sw::train {

struct NetworkOptions {
  Limits limits;
  Precision precision = Precision::fp32;
  /// Keep only each block's input and compute the rest again on the way back: memory for time (Chen et al. 2016).
  bool recompute = false;
};

/// Sequences one after another: their tokens, and how many each has.
struct Batch {
  std::span<const TokenId> tokens;
  std::span<const int> lengths;
};

/// A ModelSpec with gradients. The same blocks that the inference executor walks, forwards and back. Every sum is taken
/// in a fixed order, whatever the number of threads.
class Network {
 public:
  /// `parameters` must have been made from `spec`, and outlive the network.
  static Result<Network> create(const ModelSpec& spec, Parameters& parameters, ThreadPool& pool,
                                const NetworkOptions& options);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  /// Must be called after the parameters have changed.
  void parameters_changed();
  /// Σ loss over the batch.
  Result<double> evaluate(const Batch& batch, const RowLoss& loss);
  /// The same; adds the gradients of scale · Σ loss to those of the parameters.
  Result<double> accumulate(const Batch& batch, const RowLoss& loss, float scale);

  /// Bytes of activations and scratch.
  std::size_t activation_bytes() const;
  /// Multiplications and additions of one token forwards and back in a sequence of `length`, products of matrices and
  /// attention only; what is computed twice counts once.
  double operations_per_token(int length) const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::train
