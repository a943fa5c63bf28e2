#include "train/loss.hpp"

namespace sw::train {

double CrossEntropy::judge(std::int64_t row, std::span<float> logits, float scale, float*) const {
  const auto target = static_cast<std::size_t>(targets_[static_cast<std::size_t>(row)]);
  const float logit = logits[target], w = weight(row);
  const float lse = kernels().softmax(logits.data(), static_cast<std::int64_t>(logits.size()));
  logits[target] -= 1;
  kernels().scale(w * scale, static_cast<std::int64_t>(logits.size()), logits.data());
  return static_cast<double>(w) * (static_cast<double>(lse) - logit);
}

}  // namespace sw::train
