#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/error.hpp"
#include "model/model.hpp"
#include "serving/compute.hpp"
#include "serving/request.hpp"
#include "state/state.hpp"

namespace sw {

struct EngineOptions {
  int max_queue = 256;         ///< requests that may wait; more are refused as overloaded
  int max_sequences = 64;      ///< choices that may run together
  int max_batch_tokens = 512;  ///< in one step
  /// Memory for what sequences remember, the cache of prefixes included; 0: an eighth of the machine's, at most eight
  /// contexts. Always room for one context. Taken from the system as it fills.
  std::size_t state_bytes = 0;
  KvType kv_type = default_kv_type;
  bool prefix_cache = true;
  std::filesystem::path cache_folder;  ///< prefixes on disk, shared by models and processes; empty: none
  std::uint64_t cache_bytes = std::uint64_t{8} << 30;  ///< the most this model's prefixes take there
  /// Called on the engine's thread after a step's sinks: one wake-up for all that they stored. The rules of Sink apply.
  std::function<void()> after_step;
};

/// Why a request was not taken.
struct Rejection {
  enum class Reason {
    invalid,     ///< no use in trying again: the error says what to change
    overloaded,  ///< the queue is full
    stopping,    ///< drain() or stop() was called
  };
  Reason reason = Reason::invalid;
  Error error;
  double retry_after_s = 0;  ///< overloaded: when room is likely
};

/// A moment of an engine. Counters count from its creation.
struct EngineStats {
  // Now.
  int queued = 0, running = 0;                               ///< requests waiting; choices admitted
  int batch_sequences = 0, batch_tokens = 0;                 ///< of the last step
  int blocks_used = 0, blocks_cached = 0, blocks_total = 0;  ///< KV blocks; cached: held by no request, for later ones
  std::uint64_t state_bytes = 0;                             ///< of the pool
  std::uint64_t cache_disk_bytes = 0;                        ///< of this model's prefixes on disk
  double step_ms = 0;                                        ///< moving average
  // Counters.
  std::uint64_t steps = 0;
  double busy_s = 0;  ///< spent in steps
  std::uint64_t prompt_tokens = 0, cached_tokens = 0, disk_tokens = 0, new_tokens = 0;
  std::uint64_t submitted = 0, rejected = 0, finished = 0, cancelled = 0, failed = 0, preemptions = 0;
};

/// Runs one model for many requests at once: each step reads a token of every running text and a piece of the prompts
/// that wait (continuous batching: Yu et al. 2022; chunked prefill: Agrawal et al. 2024). What a request gets does not
/// depend on what else runs: bit for bit the tokens it gets alone. All functions may be called from any thread.
class Engine {
 public:
  /// Starts the engine's thread, and computes something so that the first request is as fast as the tenth.
  static Result<std::unique_ptr<Engine>> create(std::shared_ptr<const Model> model, std::shared_ptr<Compute> compute,
                                                const EngineOptions& options);
  ~Engine();  ///< stop()

  /// Queues a request and returns at once. After a rejection the sink was not and will not be called.
  std::expected<RequestId, Rejection> submit(Request request, Sink sink);
  /// Ends a request within one step: its memory is free then, and its choices finish as cancelled. Nothing when it is
  /// unknown or over.
  void cancel(RequestId id);

  EngineStats stats() const;
  /// Positions a prompt and its answer may have together.
  int context() const;
  const Model& model() const;

  /// Refuses new requests, and waits until the others are finished or `limit` has passed; true: all are finished.
  bool drain(std::chrono::milliseconds limit);
  /// Cancels what runs, writes the prefixes that are still to be written to disk, ends the thread. Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
