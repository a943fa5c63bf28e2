#include "decode/sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/core.h>

namespace sw {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The ids of the `k` largest logits above −infinity, largest first, in O(vocab + k log vocab) for logits in no
/// particular order.
std::vector<TokenId> largest(std::span<const float> logits, std::size_t k) {
  const auto before = [&](TokenId a, TokenId b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); };
  std::vector<TokenId> heap;  // its front is the smallest kept
  heap.reserve(std::min(k, logits.size()));
  for (TokenId id = 0; id < std::ssize(logits); ++id) {
    if (logits[id] == -infinity) continue;
    if (heap.size() < k) {
      heap.push_back(id);
      std::push_heap(heap.begin(), heap.end(), before);
    } else if (k > 0 && logits[id] > logits[heap.front()]) {
      std::pop_heap(heap.begin(), heap.end(), before);
      heap.back() = id;
      std::push_heap(heap.begin(), heap.end(), before);
    }
  }
  std::sort_heap(heap.begin(), heap.end(), before);
  return heap;
}

double total_weight(std::span<const Candidate> candidates) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

/// Keeps the fewest candidates, those of the smallest `key` ≥ 0 first and smaller ids first among equals, that hold at
/// least `mass` of the probability. O(candidates): finds the bucket of keys where the last kept one lies, then halves
/// what is in it; nothing is sorted.
template <class Key>
void keep_mass(std::vector<Candidate>& candidates, std::vector<Candidate>& ranked, double mass, Key key) {
  constexpr int n_buckets = 256;
  constexpr float buckets_per_nat = 8;
  const auto bucket_of = [&](const Candidate& candidate) {
    return static_cast<int>(std::min(key(candidate) * buckets_per_nat, n_buckets - 1.0f));
  };
  const auto before = [&](const Candidate& a, const Candidate& b) {
    return key(a) < key(b) || (key(a) == key(b) && a.token < b.token);
  };

  std::array<double, n_buckets> weights{};
  for (const Candidate& candidate : candidates) weights[bucket_of(candidate)] += candidate.weight;
  const double wanted = mass * std::accumulate(weights.begin(), weights.end(), 0.0);
  double held = 0;  // by the candidates before those still in question
  int bucket = 0;
  while (bucket + 1 < n_buckets && held + weights[bucket] < wanted) held += weights[bucket++];
  ranked.clear();
  std::ranges::copy_if(candidates, std::back_inserter(ranked),
                       [&](const Candidate& candidate) { return bucket_of(candidate) == bucket; });
  if (ranked.empty()) return;  // rounding left a remainder: all are needed

  auto first = ranked.begin(), last = ranked.end();
  while (last - first > 1) {
    const auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last, before);
    const double lower_half = total_weight({first, middle});
    if (held + lower_half >= wanted) {
      last = middle;
    } else {
      held += lower_half;
      first = middle;
    }
  }
  std::erase_if(candidates, [&](const Candidate& candidate) { return before(*first, candidate); });
}

void keep_most_likely(std::vector<Candidate>& candidates, std::vector<Candidate>& ranked, double mass) {
  keep_mass(candidates, ranked, mass, [](const Candidate& candidate) { return -candidate.logit; });
}

/// Keeps the candidates whose surprise −log p is nearest to the entropy H of the distribution.
void keep_typical(std::vector<Candidate>& candidates, std::vector<Candidate>& ranked, double mass) {
  const double total = total_weight(candidates);
  double sum = 0;
  for (const Candidate& candidate : candidates)
    if (candidate.weight > 0) sum += static_cast<double>(candidate.weight) * candidate.logit;
  // −log p − H = (log Z − logit) − (log Z − mean logit): how far a logit lies from the mean one.
  const auto mean_logit = static_cast<float>(sum / total);
  keep_mass(candidates, ranked, mass,
            [mean_logit](const Candidate& candidate) { return std::abs(candidate.logit - mean_logit); });
}

TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// argmax of the sanitized logits, without writing them anywhere: what a greedy step does for a vocabulary of 150 000.
/// Sixteen maxima at once keep the processor busy, and rows of a large batch lie far from it: lines are asked for
/// ahead. A comparison with NaN is false, so NaN never wins.
TokenId greedy_choice(std::span<const float> logits) {
  constexpr std::size_t lanes = 16, ahead = 2048;
  std::array<float, lanes> largest_of_lane;
  largest_of_lane.fill(-infinity);
  std::size_t i = 0;
  for (; i + lanes <= logits.size(); i += lanes) {
    __builtin_prefetch(logits.data() + i + ahead);
    for (std::size_t lane = 0; lane < lanes; ++lane)
      largest_of_lane[lane] = logits[i + lane] > largest_of_lane[lane] ? logits[i + lane] : largest_of_lane[lane];
  }
  for (; i < logits.size(); ++i)
    if (logits[i] > largest_of_lane[0]) largest_of_lane[0] = logits[i];
  const float largest_logit = sanitized(*std::ranges::max_element(largest_of_lane));
  if (largest_logit == -infinity) return 0;
  return static_cast<TokenId>(std::ranges::find_if(logits, [&](float x) { return x >= largest_logit; }) -
                              logits.begin());
}

/// log Σ exp(logits); −infinity where all of them are.
double log_sum_exp(std::span<const float> logits) {
  const float largest_logit = *std::max_element(logits.begin(), logits.end());
  if (largest_logit == -infinity) return -infinity;
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest_logit);
  return largest_logit + std::log(sum);
}

}  // namespace

Status SamplingOptions::check() const {
  const auto require = [](bool holds, const char* name, double value, const char* range) -> Status {
    if (holds) return {};
    return fail(fmt::format("{} is {}", name, value), "sampling options", range);
  };
  // Written so that NaN fails every one of them.
  SW_TRY(require(temperature >= 0 && temperature <= 100, "temperature", temperature, "0 to 100"));
  SW_TRY(require(top_k >= 0, "top_k", top_k, "0 (off) or more"));
  SW_TRY(require(top_p > 0 && top_p <= 1, "top_p", top_p, "above 0, at most 1"));
  SW_TRY(require(min_p >= 0 && min_p <= 1, "min_p", min_p, "0 to 1"));
  SW_TRY(require(typical_p > 0 && typical_p <= 1, "typical_p", typical_p, "above 0, at most 1"));
  SW_TRY(require(repetition_penalty > 0 && repetition_penalty <= 100, "repetition_penalty", repetition_penalty,
                 "above 0, at most 100"));
  SW_TRY(require(std::abs(presence_penalty) <= 100, "presence_penalty", presence_penalty, "-100 to 100"));
  SW_TRY(require(std::abs(frequency_penalty) <= 100, "frequency_penalty", frequency_penalty, "-100 to 100"));
  SW_TRY(require(top_logprobs >= -1, "top_logprobs", top_logprobs, "-1 (off) or more"));
  for (const auto& [token, bias] : logit_bias) {
    SW_TRY(require(token >= 0, "a token of logit_bias", token, "a token id"));
    SW_TRY(require(bias < infinity, "a value of logit_bias", bias, "a finite number or -infinity"));
  }
  return {};
}

Sampler::Sampler(SamplingOptions options) : options_(std::move(options)) {}

bool Sampler::adjusts() const {
  const SamplingOptions& o = options_;
  return !o.logit_bias.empty() || o.repetition_penalty != 1 || o.presence_penalty != 0 || o.frequency_penalty != 0;
}

WantedLogits Sampler::wanted() {
  const SamplingOptions& o = options_;
  WantedLogits wanted;
  if (o.top_logprobs >= 0) return wanted;
  if (o.temperature == 0)
    wanted.largest = 1;
  else if (o.top_k > 0)
    wanted.largest = o.top_k;
  else if (o.typical_p == 1 && screened_.pays())
    wanted.race = race();
  always_.clear();
  adjust([&](TokenId token) -> float* {
    always_.push_back(token);
    return nullptr;
  });
  wanted.always = always_;
  return wanted;
}

void Sampler::observe_prompt(std::span<const TokenId> tokens) {
  seen_.insert(tokens.begin(), tokens.end());
}

/// at(token): where its logit is; null: nowhere.
template <class At>
void Sampler::adjust(At&& at) const {
  const auto update = [&](TokenId token, auto&& change) {
    if (float* logit = at(token)) *logit = sanitized(change(*logit));
  };
  for (const auto& [token, bias] : options_.logit_bias)
    update(token, [bias = bias](float logit) { return logit + bias; });
  if (const float penalty = options_.repetition_penalty; penalty != 1)
    for (TokenId token : seen_)
      update(token, [penalty](float logit) { return logit > 0 ? logit / penalty : logit * penalty; });
  if (options_.presence_penalty != 0 || options_.frequency_penalty != 0)
    for (const auto& [token, count] : output_counts_)
      update(token, [&, count = count](float logit) {
        return logit - options_.presence_penalty - options_.frequency_penalty * static_cast<float>(count);
      });
}

void Sampler::adjust_all(std::span<const float> logits) {
  adjusted_.resize(logits.size());
  std::transform(logits.begin(), logits.end(), adjusted_.begin(), sanitized);
  adjust([&](TokenId token) { return token >= 0 && token < std::ssize(adjusted_) ? &adjusted_[token] : nullptr; });
}

std::span<const Candidate> Sampler::distribution(std::span<const float> logits) {
  if (options_.temperature == 0 && !adjusts()) {
    candidates_.assign(1, {greedy_choice(logits), 0, 1});
    return candidates_;
  }
  adjust_all(logits);
  candidates_.clear();
  const TokenId best = argmax(adjusted_);
  const float largest_logit = adjusted_[best];
  if (options_.temperature == 0 || largest_logit == -infinity) {
    candidates_.push_back({best, 0, 1});
    return candidates_;
  }

  const auto add = [&](TokenId token) {
    const float logit = (adjusted_[token] - largest_logit) / options_.temperature;
    candidates_.push_back({token, logit, std::exp(logit)});
  };
  if (options_.top_k > 0) {
    std::vector<TokenId> kept = largest(adjusted_, static_cast<std::size_t>(options_.top_k));
    std::sort(kept.begin(), kept.end());
    for (TokenId token : kept) add(token);
  } else {
    for (TokenId token = 0; token < std::ssize(adjusted_); ++token)
      if (adjusted_[token] > -infinity) add(token);
  }
  if (options_.top_p < 1) keep_most_likely(candidates_, ranked_, options_.top_p);
  if (options_.min_p > 0)  // the most likely candidate weighs 1
    std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.weight < options_.min_p; });
  if (options_.typical_p < 1) keep_typical(candidates_, ranked_, options_.typical_p);
  return candidates_;
}

SampledToken Sampler::sample(const LogitsRow& logits) {
  if (!logits.bounds.empty() && options_.temperature > 0 && options_.top_k == 0) {
    const auto adjust_known = [this](std::span<TokenLogit> known) {
      adjust([&](TokenId token) {
        const auto at = std::ranges::lower_bound(known, token, {}, &TokenLogit::token);
        return at != known.end() && at->token == token ? &at->logit : nullptr;
      });
    };
    if (const auto token = screened_.choose(logits, race(), options_, adjust_known))
      return note({.token = *token, .logprob = 0, .top = {}});
    logits.compute(-infinity);
  } else {
    screened_.pass();
  }
  return sample(logits.values);
}

SampledToken Sampler::sample(std::span<const float> logits) {
  const auto candidates = distribution(logits);
  SampledToken sampled;
  if (candidates.size() == 1)
    sampled.token = candidates[0].token;
  else
    sampled.token = winner(race(), candidates, [&](const Candidate& c) { return adjusted_[c.token]; });

  if (options_.top_logprobs >= 0) {
    adjusted_.resize(logits.size());
    std::transform(logits.begin(), logits.end(), adjusted_.begin(), sanitized);
    const double log_total = log_sum_exp(adjusted_);
    const auto logprob = [&](TokenId token) {
      return adjusted_[token] == -infinity ? -infinity : static_cast<float>(adjusted_[token] - log_total);
    };
    sampled.logprob = logprob(sampled.token);
    for (TokenId token : largest(adjusted_, static_cast<std::size_t>(options_.top_logprobs)))
      sampled.top.push_back({token, logprob(token)});
  }

  return note(std::move(sampled));
}

SampledToken Sampler::note(SampledToken sampled) {
  ++n_sampled_;
  seen_.insert(sampled.token);
  ++output_counts_[sampled.token];
  return sampled;
}

}  // namespace sw
