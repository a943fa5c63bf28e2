#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "measure/spans.hpp"
#include "model/logits.hpp"
#include "model/spec.hpp"
#include "model/weights.hpp"
#include "state/state.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// The next tokens of one sequence: a prefill chunk, one decode step, or several speculative tokens.
struct BatchEntry {
  SequenceId sequence{};
  std::span<const TokenId> tokens;  ///< follow what the sequence already holds
  int n_logits = 1;                 ///< logits wanted for the last n of `tokens`
  WantedLogits wanted = {};  ///< those that cannot decide may be −∞
  /// [width], or null: the final hidden states of all `tokens` (those the head is applied to) are added to it.
  float* hidden_sum = nullptr;
};

/// Logits of the rows asked for, entry by entry: [rows, vocab]. Valid until the next forward().
struct Logits {
  std::span<const float> values;
  int vocab = 0;
  std::span<const float> bounds = {};                ///< as in LogitsRow, where there is one row
  std::function<void(float least)> compute = {};  ///< as well

  std::span<const float> row(int i) const {
    const auto size = static_cast<std::size_t>(vocab);
    return values.subspan(static_cast<std::size_t>(i) * size, size);
  }
  /// Row i with what was left out of it.
  LogitsRow whole_row(int i) const { return {row(i), bounds, compute}; }
};

/// Runs a model's blocks over ragged batches. Every value it computes for a token depends only on that token's own
/// sequence, in a fixed order of operations: batching, chunking and the number of threads never change a bit.
class Executor {
 public:
  struct Options {
    int max_batch_tokens = 512;
    int max_logits = 64;
  };
  static Result<Executor> create(const ModelSpec& spec, std::shared_ptr<const Weights> weights, ThreadPool& pool,
                                 const Options& options);
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();

  /// Appends each entry's tokens to its sequence in `state`, which must have room for them (StatePool::reserve). The
  /// entries must fit max_batch_tokens and max_logits. On an Error nothing was appended.
  Result<Logits> forward(std::span<const BatchEntry> batch, StatePool& state);

  int max_batch_tokens() const;
  /// Bytes of the buffers that activations pass through.
  std::size_t activation_bytes() const;
  /// Records every op into `spans`; null: off.
  void record(Spans* spans);

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
