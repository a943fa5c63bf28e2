#pragma once

#include <vector>

namespace sw {

/// How many tokens of prompts a step may read, from how long steps took. Beside running texts every waiting prompt may
/// lengthen the step by once the time that the step takes without prompts, or 4 tokens where that is more; so texts
/// keep half their speed while one prompt is read, and a crowd of prompts does not wait behind a few texts. Prompts
/// alone fill a fifth of a second at most, so that newcomers and cancellations are seen soon.
class StepBudget {
 public:
  /// No more than `most` tokens in a step.
  explicit StepBudget(int most) : most_(most) {}

  int prompt_tokens(int running_texts, int waiting_prompts) const;
  /// A step of one token of each running text and `prompt_tokens` of prompts took `ms`.
  void observe(int running_texts, int prompt_tokens, double ms);

 private:
  /// Of a step without prompts; 0: unknown.
  double decode_ms(int running_texts) const;

  int most_;
  double ms_per_prompt_token_ = 0;  // 0: unknown
  std::vector<double> decode_ms_;   // by running texts; 0: not seen yet
};

}  // namespace sw
