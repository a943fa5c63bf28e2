#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "decode/continuation.hpp"
#include "serving/request.hpp"
#include "state/state.hpp"

namespace sw {

using Clock = std::chrono::steady_clock;

/// A request on its way.
struct Job {
  RequestId id{};
  Request request;
  Sink sink;
  Clock::time_point submitted = Clock::now();
  double place = 0;            ///< FairShare's
  bool split = false;          ///< its prompt was read, and its other choices were made from it
  std::vector<bool> finished;  ///< by choice

  bool is_over() const;
};

/// One text of a job: its prompt, then what was chosen. It goes on by reading what its sequence has not read yet.
struct Choice {
  std::shared_ptr<Job> job;
  int index = 0;
  std::vector<TokenId> text;
  std::optional<Continuation> continuation;  ///< of `generate`
  std::vector<float> hidden_sum;             ///< of `embed`: [width]

  std::optional<SequenceId> sequence;  ///< none: waits for room
  int held = 0;                        ///< tokens the sequence has read
  std::optional<std::uint64_t> fetch;  ///< waits for this to come from disk
  int fetches = 0;
  bool waits_for_twin = false;  ///< another text is reading what this one has to read next
  bool in_batch = false, over = false;

  RequestTimings timings;
  std::optional<Clock::time_point> admitted, loaded, first, last;

  int pending() const { return static_cast<int>(text.size()) - held; }
  /// All but its latest token was read.
  bool is_decoding() const { return sequence && continuation && continuation->n_tokens() > 0 && pending() == 1; }
  /// What may come from a cache: the logits of the last token are needed.
  std::span<const TokenId> cacheable() const { return std::span(text).first(text.size() - 1); }
  RequestTimings timings_at(Clock::time_point now) const;
};

}  // namespace sw
