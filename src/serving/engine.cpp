#include "serving/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "measure/machine.hpp"
#include "measure/stopwatch.hpp"
#include "ops/ops.hpp"
#include "serving/job.hpp"
#include "serving/probe.hpp"
#include "serving/scheduler.hpp"

namespace sw {
namespace {

constexpr int default_contexts = 8;
/// A recurrent state of a text is kept this often at most (PrefixCache::snapshot_interval).
constexpr int tokens_per_snapshot = 2 * kv_block;

StateOptions state_options(const ModelSpec& spec, const EngineOptions& options) {
  const StateLayout layout = StateLayout::of(spec, options.kv_type);
  const auto context = static_cast<std::size_t>(spec.context);
  const std::size_t context_bytes =
      context / kv_block * layout.block_bytes + context / tokens_per_snapshot * layout.recurrent_bytes;
  std::size_t bytes = options.state_bytes;
  if (bytes == 0)
    bytes = std::min(static_cast<std::size_t>(identify_machine().memory_bytes) / 8, default_contexts * context_bytes);
  if (layout.block_bytes > 0 && layout.recurrent_bytes > 0) bytes /= 2;
  StateOptions state;
  state.kv_type = options.kv_type;
  state.max_sequences = options.max_sequences;
  state.max_tokens = spec.context;
  if (layout.block_bytes > 0)
    state.max_tokens = std::max<std::int64_t>(spec.context + kv_block,
                                              static_cast<std::int64_t>(bytes / layout.block_bytes) * kv_block);
  if (layout.recurrent_bytes > 0 && options.prefix_cache)
    state.snapshots = static_cast<int>(std::clamp<std::size_t>(bytes / layout.recurrent_bytes, 2, 1 << 20));
  return state;
}

Status check(const Request& request, const Model& model) {
  SW_TRY(request.sampling.check());
  const auto size = std::ssize(request.prompt);
  if (size == 0) return fail("the prompt is empty", "request", "at least one token");
  const int room = model.spec.context - (request.kind == RequestKind::generate ? 1 : 0);
  if (size > room)
    return fail(fmt::format("the prompt has {} tokens", size), "request",
                fmt::format("at most {} in a context of {}", room, model.spec.context), "Shorten the prompt");
  for (const TokenId token : request.prompt)
    if (token < 0 || token >= model.spec.vocab)
      return fail(fmt::format("token id {}", token), "request", fmt::format("0 to {}", model.spec.vocab - 1));
  if (request.n < 1 || request.n > 128) return fail(fmt::format("n is {}", request.n), "request", "1 to 128");
  if (request.kind == RequestKind::embed && request.n != 1)
    return fail(fmt::format("n is {}", request.n), "embedding request", "1");
  if (request.max_tokens == 0 || request.max_tokens < -1)
    return fail(fmt::format("max_tokens is {}", request.max_tokens), "request", "1 or more, or -1 for no limit");
  return {};
}

}  // namespace

struct Engine::Impl {
  std::shared_ptr<const Model> model;
  std::shared_ptr<Compute> compute;
  EngineOptions options;

  mutable std::mutex mutex;
  std::condition_variable wake, finished;
  // Under the mutex: what others leave for the engine's thread, and what it shows them.
  std::vector<std::shared_ptr<Job>> new_jobs;
  std::vector<RequestId> cancels;
  bool disk_finished = false, draining = false, stopping = false;
  std::uint64_t next_id = 1;
  int waiting = 0, unfinished = 0;
  EngineStats stats;

  // The engine thread's own; the cache goes before the state it lies in.
  std::optional<StatePool> state;
  std::optional<Executor> executor;
  std::optional<PrefixCache> cache;
  std::optional<Scheduler> scheduler;
  bool blocked = true;  // nothing could run in the last step

  std::mutex stop_mutex;
  std::thread thread;

  Status start();
  void run();
  /// Takes what others left, waiting for it when there is nothing to do; false: the end.
  bool take_inbox();
  void step(std::span<const BatchEntry> batch);
  void deliver();
  void publish();
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  stop();
}

Result<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model, std::shared_ptr<Compute> compute,
                                               const EngineOptions& options) {
  if (!model->tokenizer) return fail("the checkpoint has no tokenizer", model->spec.name);
  if (options.max_sequences < 1 || options.max_batch_tokens < 1 || options.max_queue < 1)
    return fail("sequences, batch tokens and queue must hold at least one", "engine options");
  auto impl = std::make_unique<Impl>();
  impl->model = std::move(model);
  impl->compute = std::move(compute);
  impl->options = options;
  SW_TRY(impl->start());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Status Engine::Impl::start() {
  const ModelSpec& spec = model->spec;
  // Prompts are read even beside the most texts.
  options.max_batch_tokens = std::max(options.max_batch_tokens, options.max_sequences + attention_tile);
  SW_ASSIGN(state, StatePool::create(spec, state_options(spec, options)));
  SW_ASSIGN(executor,
            Executor::create(spec, model->weights, compute->pool,
                             {.max_batch_tokens = options.max_batch_tokens, .max_logits = options.max_sequences}));
  std::optional<Probe> probed;
  {
    const std::lock_guard turn(compute->turns);
    SW_ASSIGN(probed, probe(*model, *executor, *state));
  }
  PrefixCache::Options cache_options{.enabled = options.prefix_cache, .model = probed->model, .disk = nullptr};
  if (options.prefix_cache && !options.cache_folder.empty()) {
    const auto on_finished = [this] {
      {
        const std::lock_guard lock(mutex);
        disk_finished = true;
      }
      wake.notify_one();
    };
    SW_ASSIGN(cache_options.disk,
              DiskStore::open(probed->model, {options.cache_folder, options.cache_bytes, on_finished}));
  }
  cache.emplace(*state, std::move(cache_options));
  scheduler.emplace(*model, *state, *cache, Scheduler::Options{options.max_sequences, options.max_batch_tokens},
                    probed->budget);
  publish();
  thread = std::thread([this] { run(); });
  return {};
}

std::expected<RequestId, Rejection> Engine::submit(Request request, Sink sink) {
  using enum Rejection::Reason;
  Impl& m = *impl_;
  if (Status valid = check(request, *m.model); !valid)
    return std::unexpected(Rejection{invalid, std::move(valid).error(), 0});
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->sink = std::move(sink);
  {
    const std::lock_guard lock(m.mutex);
    if (m.draining || m.stopping) {
      ++m.stats.rejected;
      return std::unexpected(Rejection{stopping, Error{"the server is shutting down", {}, {}, {}}, 0});
    }
    if (m.waiting >= m.options.max_queue) {
      ++m.stats.rejected;
      const auto over = static_cast<double>(m.stats.finished + m.stats.cancelled + m.stats.failed);
      const double retry_after = std::clamp(over > 0 ? m.stats.busy_s / over : 1.0, 0.1, 60.0);
      Error error{fmt::format("{} requests are waiting already", m.waiting), "request queue",
                  fmt::format("at most {}", m.options.max_queue), "Try again later"};
      return std::unexpected(Rejection{overloaded, std::move(error), retry_after});
    }
    job->id = static_cast<RequestId>(m.next_id++);
    ++m.waiting;
    ++m.unfinished;
    ++m.stats.submitted;
    m.new_jobs.push_back(job);
  }
  m.wake.notify_one();
  return job->id;
}

void Engine::cancel(RequestId id) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->cancels.push_back(id);
  }
  impl_->wake.notify_one();
}

EngineStats Engine::stats() const {
  const std::lock_guard lock(impl_->mutex);
  EngineStats stats = impl_->stats;
  stats.queued = impl_->waiting;
  return stats;
}

int Engine::context() const {
  return impl_->model->spec.context;
}

const Model& Engine::model() const {
  return *impl_->model;
}

bool Engine::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(impl_->mutex);
  impl_->draining = true;
  return impl_->finished.wait_for(lock, limit, [&] { return impl_->unfinished == 0; });
}

void Engine::stop() {
  const std::lock_guard once(impl_->stop_mutex);
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
}

void Engine::Impl::run() {
  while (take_inbox()) {
    cache->poll();
    scheduler->expire(Clock::now());
    const auto batch = scheduler->schedule();
    blocked = batch.empty();
    if (!blocked) step(batch);
    publish();  // first, so that whoever is told of an output sees the engine after it
    deliver();
  }
  scheduler->cancel_all();
  deliver();
  cache->save();
  publish();
}

bool Engine::Impl::take_inbox() {
  std::vector<std::shared_ptr<Job>> jobs;
  std::vector<RequestId> unwanted;
  bool stop;
  {
    std::unique_lock lock(mutex);
    const auto has_news = [&] { return stopping || disk_finished || !new_jobs.empty() || !cancels.empty(); };
    if (blocked) {
      if (const auto deadline = scheduler->next_deadline())
        wake.wait_until(lock, *deadline, has_news);
      else
        wake.wait(lock, has_news);
    }
    jobs.swap(new_jobs);
    unwanted.swap(cancels);
    disk_finished = false;
    stop = stopping;
  }
  for (auto& job : jobs) scheduler->add(std::move(job));
  for (const RequestId id : unwanted) scheduler->cancel(id);
  return !stop;
}

void Engine::Impl::step(std::span<const BatchEntry> batch) {
  const std::lock_guard turn(compute->turns);
  const Stopwatch stopwatch;
  const auto logits = executor->forward(batch, *state);
  if (!logits) return scheduler->fail_batch(logits.error());
  scheduler->postprocess(*logits, compute->pool, stopwatch.ms());
  const double ms = stopwatch.ms();

  const std::lock_guard lock(mutex);
  ++stats.steps;
  stats.busy_s += ms / 1e3;
  stats.step_ms = stats.step_ms == 0 ? ms : 0.9 * stats.step_ms + 0.1 * ms;
  stats.batch_sequences = static_cast<int>(batch.size());
  stats.batch_tokens = scheduler->batch_tokens();
}

void Engine::Impl::deliver() {
  auto outputs = scheduler->take_outputs();
  if (outputs.empty()) return;
  int over = 0, cancelled = 0, failed = 0;
  for (auto& [job, output] : outputs) {
    const bool done = output.done;
    if (done) {
      ++over;
      const FinishReason reason = output.finish->reason;
      if (reason == FinishReason::failed) ++failed;
      if (reason == FinishReason::cancelled || reason == FinishReason::deadline) ++cancelled;
    }
    job->sink(std::move(output));
    if (done) job->sink = nullptr;
  }
  if (options.after_step) options.after_step();
  if (over == 0) return;
  {
    const std::lock_guard lock(mutex);
    unfinished -= over;
    stats.finished += static_cast<std::uint64_t>(over - cancelled - failed);
    stats.cancelled += static_cast<std::uint64_t>(cancelled);
    stats.failed += static_cast<std::uint64_t>(failed);
  }
  finished.notify_all();
}

void Engine::Impl::publish() {
  const Scheduler::Counters& counters = scheduler->counters();
  const Slots& blocks = state->blocks();
  const Slots& recurrent = state->recurrent_states();
  const std::uint64_t disk_bytes = cache->disk() ? cache->disk()->bytes_on_disk() : 0;
  const int queued = scheduler->queued(), running = scheduler->running();
  const std::lock_guard lock(mutex);
  waiting = queued + static_cast<int>(new_jobs.size());
  stats.running = running;
  stats.blocks_total = blocks.total();
  stats.blocks_cached = cache->cached_blocks();
  stats.blocks_used = blocks.total() - blocks.free() - stats.blocks_cached;
  stats.state_bytes = static_cast<std::uint64_t>(blocks.total()) * blocks.slot_bytes() +
                      static_cast<std::uint64_t>(recurrent.total()) * recurrent.slot_bytes();
  stats.cache_disk_bytes = disk_bytes;
  stats.prompt_tokens = counters.prompt_tokens;
  stats.cached_tokens = counters.cached_tokens;
  stats.disk_tokens = counters.disk_tokens;
  stats.new_tokens = counters.new_tokens;
  stats.preemptions = counters.preemptions;
}

}  // namespace sw
