#pragma once

#include <functional>
#include <optional>
#include <span>

#include "ops/race.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// Which of a row of logits decide what is chosen by them. By default, all.
struct WantedLogits {
  int largest = 0;                          ///< the k largest; 0: see race
  std::optional<Race> race = std::nullopt;  ///< the one that wins it
  std::span<const TokenId> always = {};     ///< these, which take no part in the former
};

/// A row of logits, some of which may not have been computed yet.
struct LogitsRow {
  std::span<const float> values;  ///< −∞ where it was not
  std::span<const float> bounds;  ///< what each of those is below; empty: there are none
  std::function<void(float least)> compute;  ///< those whose bound is `least` or more; −∞: all, and bounds no longer matter
};

}  // namespace sw
