#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// How the next token is chosen. The defaults choose the most likely token.
struct SamplingOptions {
  float temperature = 0;         ///< 0: greedy
  int top_k = 0;                 ///< 0: off
  float top_p = 1;               ///< nucleus (Holtzman et al. 2019); 1: off
  float min_p = 0;               ///< drops tokens less likely than min_p times the most likely one; 0: off
  float typical_p = 1;           ///< locally typical (Meister et al. 2022); 1: off
  float repetition_penalty = 1;  ///< CTRL (Keskar et al. 2019), over prompt and output
  float presence_penalty = 0;    ///< OpenAI's, over the output
  float frequency_penalty = 0;
  std::unordered_map<TokenId, float> logit_bias;
  std::uint64_t seed = 0;
  int top_logprobs = -1;  ///< how many alternatives to report with each token; −1: no log-probabilities

  /// An Error naming the first field out of range, its value and its range.
  Status check() const;
};

struct TokenLogprob {
  TokenId token;
  float logprob;  ///< of the model's own distribution, before any of the options
};

struct SampledToken {
  TokenId token = 0;
  float logprob = 0;  ///< set when top_logprobs ≥ 0
  std::vector<TokenLogprob> top;
};

/// Chooses one sequence's tokens. The n-th choice depends only on the options, the logits and the tokens so far:
/// its random number is a function of (seed, n), not of any generator's history.
class Sampler {
 public:
  explicit Sampler(SamplingOptions options);

  /// Counts tokens of the prompt for the repetition penalty.
  void observe_prompt(std::span<const TokenId> tokens);
  /// `logits`: [vocab]. Ties go to the smaller id. NaN counts as −infinity.
  SampledToken sample(std::span<const float> logits);

 private:
  struct Candidate {
    TokenId token;
    float logit;
  };

  SamplingOptions options_;
  std::uint64_t n_sampled_ = 0;
  std::unordered_map<TokenId, int> prompt_counts_, output_counts_;
  std::vector<float> adjusted_;  // reused between calls
  std::vector<Candidate> candidates_;
};

/// Finds stop strings in streamed text: holds back text that may yet become one.
class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// The text that can be shown now. After stopped() it is empty.
  std::string push(std::string_view text);
  /// What was held back, at the end of the stream.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace sw
