#include "serving/step_budget.hpp"

#include <algorithm>
#include <cstddef>

namespace sw {
namespace {

constexpr double alone_ms = 200;
constexpr int least_beside_texts = 4;  // fewer would not be worth their part of the step
constexpr int least_alone = 64;
constexpr double newest = 0.2;  // weight of the newest measurement in a moving average

void average(double& value, double measured) {
  value = value == 0 ? measured : (1 - newest) * value + newest * measured;
}

}  // namespace

double StepBudget::decode_ms(int running_texts) const {
  // The nearest number of texts that was seen stands in for one that was not.
  const auto n = static_cast<std::size_t>(running_texts);
  for (std::size_t distance = 0; distance < std::max(decode_ms_.size(), n + 1); ++distance) {
    if (n >= distance && n - distance < decode_ms_.size() && decode_ms_[n - distance] > 0)
      return decode_ms_[n - distance];
    if (n + distance < decode_ms_.size() && decode_ms_[n + distance] > 0) return decode_ms_[n + distance];
  }
  return 0;
}

int StepBudget::prompt_tokens(int running_texts, int waiting_prompts) const {
  const int room = std::max(0, most_ - running_texts);
  const int least = std::min(room, running_texts > 0 ? least_beside_texts : least_alone);
  if (ms_per_prompt_token_ == 0) return least;
  const double without = running_texts > 0 ? decode_ms(running_texts) : alone_ms;
  const double ms = std::min(std::max(1, waiting_prompts) * without, std::max(without, alone_ms));
  return static_cast<int>(std::clamp<double>(ms / ms_per_prompt_token_, least, room));
}

void StepBudget::observe(int running_texts, int prompt_tokens, double ms) {
  if (prompt_tokens == 0) {
    const auto n = static_cast<std::size_t>(running_texts);
    if (n >= decode_ms_.size()) decode_ms_.resize(n + 1);
    average(decode_ms_[n], ms);
    return;
  }
  const double rest = ms - (running_texts > 0 ? decode_ms(running_texts) : 0);
  // Under a few tokens the cost of the step itself would be taken for theirs.
  if (prompt_tokens >= least_beside_texts && rest > 0) average(ms_per_prompt_token_, rest / prompt_tokens);
}

}  // namespace sw
