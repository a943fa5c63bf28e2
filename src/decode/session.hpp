#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "decode/continuation.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "state/state.hpp"

namespace sw {

class ThreadPool;

struct GenerationOptions : TextOptions {
  const std::atomic<bool>* cancel = nullptr;  ///< set by anyone to end after the current token
};

struct Generation {
  std::string text;
  std::vector<SampledToken> tokens;  ///< without the one that ended the text
  int prompt_tokens = 0;
  int cached_tokens = 0;  ///< of the prompt, already held by the sequence
  FinishReason finish_reason = FinishReason::length;

  double ttft_ms = 0;    ///< from the call to the first sampled token
  double decode_ms = 0;  ///< from the first sampled token to the last
  int decode_steps = 0;  ///< tokens sampled after the first

  double prefill_tok_s() const;
  double decode_tok_s() const;  ///< 0 where only one token was sampled
};

struct SessionOptions {
  int max_tokens = 0;  ///< positions to make room for; 0: the model's context
  int max_batch_tokens = 512;
  KvType kv_type = default_kv_type;
};

/// One conversation with a model: a single sequence that keeps what it has read, so that a prompt which continues the
/// last one costs only its new tokens.
class Session {
 public:
  /// `model` and `pool` must outlive the session.
  static Result<Session> create(const Model& model, ThreadPool& pool, const SessionOptions& options);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Called with each piece of text as soon as it can be shown.
  using OnText = std::function<void(std::string_view)>;

  /// Continues `prompt`: the whole text so far, not only what is new.
  Result<Generation> generate(std::span<const TokenId> prompt, const GenerationOptions& options, const OnText& on_text);

  /// Positions the sequence may hold.
  int capacity() const;
  void reset();

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
