#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "measure/profile.hpp"
#include "measure/spans.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "state/state.hpp"

namespace sw {

/// What is run to measure speed.
struct SpeedWork {
  int prompt_tokens = 512, new_tokens = 128;  ///< of each sequence
  int batch = 1;                              ///< sequences together
  KvType kv_type = default_kv_type;
  double slowdown = 0;  ///< of every pass, wasted on purpose: to see whether a comparison finds it
};

/// One run of the work, from the text of the prompts to the last token. Times count from the beginning.
struct SpeedSample {
  double tokenize_ms = 0;              ///< the text of one prompt; 0 without a tokenizer
  double queue_ms = 0;                 ///< until the last sequence had its first chunk in a batch
  double prefill_ms = 0;               ///< passes that read prompts
  double ttft_ms = 0;                  ///< until every sequence had its first token, tokenizing included
  std::vector<double> inter_token_ms;  ///< one decode step of all sequences, each
  double decode_ms = 0;                ///< their sum
  double total_ms = 0;

  double prefill_tok_s(const SpeedWork& work) const { return work.batch * work.prompt_tokens / prefill_ms * 1e3; }
  double decode_tok_s(const SpeedWork& work) const { return work.batch * work.new_tokens / decode_ms * 1e3; }
};

/// Bytes by who needs them.
struct MemoryUse {
  std::size_t weights = 0;      ///< packed matrices and vectors
  std::size_t state = 0;        ///< keys, values and recurrent states of the whole work
  std::size_t activations = 0;  ///< buffers of the executor
};

/// The passes of a run and their spans.
struct PhaseSpans {
  std::vector<PassRecord> passes;
  std::vector<SpanRecord> spans;
};
struct RecordedRun {
  SpeedSample sample;
  PhaseSpans prefill, decode;
};

/// A model with everything its work needs, ready to be run again and again.
class SpeedRun {
 public:
  /// `model` and `pool` must outlive it. An Error where the work exceeds the model's context.
  static Result<SpeedRun> create(const Model& model, ThreadPool& pool, const SpeedWork& work);
  SpeedRun(SpeedRun&&) noexcept;
  SpeedRun& operator=(SpeedRun&&) noexcept;
  ~SpeedRun();

  /// Ends early, with an Error, when `cancel` is set.
  Result<SpeedSample> run(const std::atomic<bool>* cancel = nullptr);
  /// The same with every op recorded.
  Result<RecordedRun> record(const std::atomic<bool>* cancel = nullptr);
  MemoryUse memory() const;
  const SpeedWork& work() const;

 private:
  struct Impl;
  explicit SpeedRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
