#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"
#include "decode/screened_race.hpp"
#include "model/logits.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// How the next token is chosen. The defaults choose the most likely token.
///
/// The transforms apply in this order, each to the renormalized outcome of the one before: logit bias, repetition
/// penalty, frequency and presence penalty, temperature, top-k, top-p, min-p, typical.
struct SamplingOptions {
  float temperature = 0;         ///< 0: greedy
  int top_k = 0;                 ///< 0: off
  float top_p = 1;               ///< nucleus (Holtzman et al. 2019); 1: off
  float min_p = 0;               ///< drops tokens less likely than min_p times the most likely one; 0: off
  float typical_p = 1;           ///< locally typical (Meister et al. 2022); 1: off
  float repetition_penalty = 1;  ///< CTRL (Keskar et al. 2019), over prompt and output
  float presence_penalty = 0;    ///< OpenAI's, over the output
  float frequency_penalty = 0;
  std::unordered_map<TokenId, float> logit_bias;  ///< −infinity bans a token
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
  float logprob = 0;              ///< set when top_logprobs ≥ 0
  std::vector<TokenLogprob> top;  ///< most likely first
};

/// A token that may be chosen.
struct Candidate {
  TokenId token;
  float logit;   ///< after bias, penalties and temperature, less the largest: ≤ 0
  float weight;  ///< exp(logit)
};

/// Chooses one sequence's tokens. The n-th choice depends only on the options, the logits and the tokens so far: it is
/// the winner of the race (seed, n) among the tokens that passed every transform (ops/race.hpp).
class Sampler {
 public:
  explicit Sampler(SamplingOptions options);

  /// Counts tokens of the prompt for the repetition penalty.
  void observe_prompt(std::span<const TokenId> tokens);
  /// `logits`: [vocab], not empty. Ties go to the smaller id. NaN counts as −infinity, +infinity as the largest finite
  /// number; where nothing is possible the smallest id is chosen.
  SampledToken sample(std::span<const float> logits);
  /// The same choice from a row that has, to begin with, what wanted() said; computes more of it where that is needed.
  SampledToken sample(const LogitsRow& logits);
  /// What decides the next choice, whatever the other logits are. Valid until then.
  WantedLogits wanted();
  /// What sample() would draw from: the tokens that passed every transform, in the order of their ids, each chosen in
  /// proportion to its weight. Valid until the next call.
  std::span<const Candidate> distribution(std::span<const float> logits);

 private:
  Race race() const { return {options_.seed, n_sampled_, options_.temperature}; }
  bool adjusts() const;
  template <class At>
  void adjust(At&& at) const;
  void adjust_all(std::span<const float> logits);
  SampledToken note(SampledToken sampled);

  SamplingOptions options_;
  std::uint64_t n_sampled_ = 0;
  std::unordered_set<TokenId> seen_;  // in prompt or output
  std::unordered_map<TokenId, int> output_counts_;
  std::vector<float> adjusted_;  // [vocab]; these are reused between calls
  std::vector<Candidate> candidates_, ranked_;
  std::vector<TokenId> always_;
  ScreenedRace screened_;
};

}  // namespace sw
