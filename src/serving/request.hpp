#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "decode/continuation.hpp"
#include "text/tokenizer.hpp"

namespace sw {

enum class RequestId : std::uint64_t {};

/// `generate` continues the prompt; `embed` reads it and gives one vector for it.
enum class RequestKind { generate, embed };

/// One thing asked of an Engine. The TextOptions, of `generate` only, hold for each choice; choice i is drawn with
/// sampling.seed + i.
struct Request : TextOptions {
  RequestKind kind = RequestKind::generate;
  std::vector<TokenId> prompt;  ///< at least one token
  int n = 1;                    ///< choices, which share the prompt's state

  // How it shares the machine with others.
  std::string client;  ///< whom to be fair to: clients take turns, whatever the number of their requests
  int priority = 0;    ///< higher ones are admitted first and preempted last
  std::optional<std::chrono::steady_clock::time_point> deadline;  ///< ends, finished or not (FinishReason::deadline)
};

/// Where a choice's time went, in milliseconds from one event to the next, and its tokens.
struct RequestTimings {
  double queue_ms = 0;        ///< submitted → admitted
  double load_ms = 0;         ///< admitted → its cached prefix is in memory (0 unless it came from disk)
  double prefill_ms = 0;      ///< → the first token was sampled, or the embedding computed
  double decode_ms = 0;       ///< → the last token was sampled
  double first_token_ms = 0;  ///< submitted → first token: the sum of the first three
  int prompt_tokens = 0;
  int cached_tokens = 0;  ///< of the prompt, not computed because they were known, disk_tokens included
  int disk_tokens = 0;    ///< of these, read from disk
  int new_tokens = 0;     ///< sampled, the one that ended the text included
  int preemptions = 0;    ///< how often it had to give its memory to others and be read again
};

struct Finish {
  FinishReason reason = FinishReason::stop;
  std::optional<Error> error;  ///< with FinishReason::failed
  RequestTimings timings;
};

/// What one step added to one choice of a request.
struct Output {
  int choice = 0;
  std::string text;                  ///< can be shown now: whole characters, no part of a stop string
  std::vector<SampledToken> tokens;  ///< without the one that ended the text; text may lag behind them
  std::vector<float> embedding;      ///< of `embed`, [width], of length 1
  std::optional<Finish> finish;      ///< in the choice's last output
  bool done = false;                 ///< the last output of the whole request: the sink is destroyed after it
};

/// Where a request's outputs go. Called on the engine's thread between two steps of all requests: a sink must not
/// block, wait for its client, or throw; it stores the output or posts it to whoever writes to the client, and returns.
/// What it holds is bounded by the request's max_tokens; a client that reads too slowly is one to cancel. It may call
/// the engine's submit() and cancel(), not drain() or stop(). The first call may come before submit() has returned.
using Sink = std::function<void(Output&&)>;

}  // namespace sw
