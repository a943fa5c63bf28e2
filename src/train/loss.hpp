#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.hpp"
#include "train/kernels.hpp"

namespace sw::train {

/// What a row of logits is judged by.
class RowLoss {
 public:
  virtual ~RowLoss() = default;
  /// False for a token whose logits nobody asks for.
  virtual bool counts(std::int64_t row) const = 0;
  /// The weighted loss of the token in `row`, in nats. `logits` become the gradient of loss · `scale`.
  /// `scratch` has room for as many floats. Called from several threads.
  virtual double judge(std::int64_t row, std::span<float> logits, float scale, float* scratch) const = 0;
};

/// −w·log p(target).
class CrossEntropy final : public RowLoss {
 public:
  /// Both [tokens]; no weights: all 1.
  CrossEntropy(std::span<const TokenId> targets, std::span<const float> weights = {})
      : targets_(targets), weights_(weights) {}

  bool counts(std::int64_t row) const override { return weight(row) != 0; }
  double judge(std::int64_t row, std::span<float> logits, float scale, float* scratch) const override;

 private:
  float weight(std::int64_t row) const { return weights_.empty() ? 1.0f : weights_[static_cast<std::size_t>(row)]; }
  std::span<const TokenId> targets_;
  std::span<const float> weights_;
};

}  // namespace sw::train
