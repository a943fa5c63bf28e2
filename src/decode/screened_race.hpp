#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "model/logits.hpp"

namespace sw {

struct SamplingOptions;

/// NaN counts as −infinity, +infinity as the largest finite number.
inline float sanitized(float logit) {
  if (std::isnan(logit)) return -std::numeric_limits<float>::infinity();
  return std::min(logit, std::numeric_limits<float>::max());
}

/// Who of `tokens`, with the logits that `logit` says, wins the race. Scores are dear: most are not needed, since their
/// bound is enough.
template <class Tokens, class Logit>
TokenId winner(const Race& race, const Tokens& tokens, Logit&& logit) {
  TokenId best = 0;
  double most = -std::numeric_limits<double>::infinity();
  float least = -std::numeric_limits<float>::infinity();
  for (const auto& candidate : tokens) {
    const float value = logit(candidate);
    const auto row = static_cast<std::uint32_t>(candidate.token);
    if (race.bound(value, row) < least) continue;
    const double score = race.score(value, row);
    if (!(score > most)) continue;
    best = candidate.token;
    most = score;
    least = static_cast<float>(score) - Race::slack(static_cast<float>(score));
  }
  return best;
}

/// A logit after bias and penalties.
struct TokenLogit {
  TokenId token;
  float logit;
};

/// The choice of a Sampler from a row of logits that was screened for the winner of its race.
///
/// Without top-p and min-p it is that winner. They keep the most likely tokens down to some last one; so the choice is the
/// winner if it is kept, and else the winner among the tokens before it, all of which are known once the rows bounded by
/// its logit or more were computed. Let A be the weight exp(logit / temperature) of all tokens before it, Z that of all:
/// top-p keeps it if A < top_p · Z. The rows computed give A, and K ≤ Z ≤ K + R, with K their own weight and R that of the
/// other rows' bounds. A < top_p · K says yes and A > top_p · (K + R) no, each with a margin wider than whatever rounding
/// could move, the Sampler's in its own sums included. Between the two more rows are computed, those of the highest
/// bounds first. Where that would be too many (a flat distribution) the whole row is needed, and screening pauses for some
/// steps, since it has cost a part of the head for nothing.
class ScreenedRace {
 public:
  /// Changes logits as the options say; those whose logits change were all computed. In the order of their ids.
  using Adjust = std::function<void(std::span<TokenLogit>)>;

  /// Nothing where all logits are needed.
  std::optional<TokenId> choose(const LogitsRow& row, const Race& race, const SamplingOptions& options,
                                const Adjust& adjust);

  bool pays() const { return pause_ == 0; }
  /// A choice was made without it.
  void pass() { pause_ = std::max(pause_ - 1, 0); }

 private:
  std::optional<TokenId> search(const LogitsRow& row, const Race& race, const SamplingOptions& options,
                                const Adjust& adjust);

  int pause_ = 0, next_pause_ = 1;
  std::vector<TokenLogit> known_, racing_;  // in the order of their ids
};

}  // namespace sw
