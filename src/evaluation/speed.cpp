#include "evaluation/speed.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "decode/sampler.hpp"
#include "evaluation/sample_text.hpp"
#include "measure/stopwatch.hpp"

namespace sw {
namespace {

constexpr int least_batch_tokens = 512;

/// One sequence of the batch: what it still has to read, and the token it wrote last.
struct Sequence {
  SequenceId id;
  std::span<const TokenId> unread;
  TokenId last = 0;
  Sampler greedy{{}};

  void choose(std::span<const float> logits) { last = greedy.sample(logits).token; }
};

/// Keeps the core busy, as work would.
void waste(double ms) {
  const Stopwatch stopwatch;
  while (stopwatch.ms() < ms) continue;
}

}  // namespace

struct SpeedRun::Impl {
  const Model& model;
  SpeedWork work;
  ThreadPool& pool;
  StatePool state;
  Executor executor;
  std::vector<std::vector<TokenId>> prompts;
  std::string prompt_text;  // of one prompt
  Spans spans;
  std::vector<PassRecord>* passes = nullptr;  // where passes are recorded; null: nowhere
  // Of a pass of decode, and of prefill.
  double least_ms[2] = {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};

  /// One forward pass of `batch`; row i of the logits chooses the next token of chosen[i]. `made` is when it began.
  Status pass(std::span<const BatchEntry> batch, std::span<Sequence* const> chosen) {
    Spans* record = passes ? &spans : nullptr;
    const Stopwatch since;
    PassRecord taken{.begin_ns = passes ? SpanClock::now() : 0};
    spans.start(taken.begin_ns);
    for (const BatchEntry& entry : batch) taken.tokens += static_cast<int>(entry.tokens.size());
    {
      const Span span(record, "reserve", -1, 0, 0);
      for (const BatchEntry& entry : batch)
        SW_TRY(state.reserve(entry.sequence, static_cast<int>(entry.tokens.size())));
    }
    SW_ASSIGN(const Logits logits, executor.forward(batch, state));
    {
      const Span span(record, "sample", -1, 0, 0);
      pool.parallel_for(std::ssize(chosen), 1, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i)
          chosen[static_cast<std::size_t>(i)]->choose(logits.row(static_cast<int>(i)));
      });
    }
    if (work.slowdown > 0) {
      // More work, not more waiting: of what the pass takes when nobody else has the core.
      double& least = least_ms[taken.tokens > static_cast<int>(batch.size())];
      least = std::min(least, since.ms());
      waste(work.slowdown * least);
    }
    if (!passes) return {};
    taken.end_ns = SpanClock::now();
    passes->push_back(taken);
    return {};
  }

  /// Reads every prompt, as many chunks at a time as a batch holds. The time of the pass that took in the last
  /// sequence goes to `queue_ms`.
  Status prefill(std::vector<Sequence>& sequences, const Stopwatch& since, double& queue_ms) {
    std::vector<BatchEntry> batch;
    std::vector<Sequence*> chosen;
    for (std::size_t next = 0;;) {
      batch.clear();
      chosen.clear();
      int room = executor.max_batch_tokens();
      for (std::size_t i = 0; i < sequences.size(); ++i) {
        Sequence& sequence = sequences[i];
        const auto chunk = sequence.unread.first(std::min<std::size_t>(sequence.unread.size(), room));
        if (chunk.empty()) continue;
        if (i >= next) {
          next = i + 1;
          queue_ms = since.ms();
        }
        sequence.unread = sequence.unread.subspan(chunk.size());
        batch.push_back({sequence.id, chunk, sequence.unread.empty() ? 1 : 0, sequence.greedy.wanted()});
        if (sequence.unread.empty()) chosen.push_back(&sequence);
        room -= static_cast<int>(chunk.size());
      }
      if (batch.empty()) return {};
      SW_TRY(pass(batch, chosen));
    }
  }

  Status decode_step(std::vector<Sequence>& sequences) {
    std::vector<BatchEntry> batch;
    std::vector<Sequence*> chosen;
    for (Sequence& sequence : sequences) {
      batch.push_back({sequence.id, {&sequence.last, 1}, 1, sequence.greedy.wanted()});
      chosen.push_back(&sequence);
    }
    return pass(batch, chosen);
  }

  Result<SpeedSample> run(const std::atomic<bool>* cancel, RecordedRun* recorded) {
    const auto cancelled = [&]() -> Status {
      if (cancel && cancel->load(std::memory_order_relaxed)) return fail("interrupted");
      return {};
    };
    SpeedSample sample;
    std::vector<Sequence> sequences;
    // Sequences of a run that failed on the way are closed by the next one.
    for (const SequenceId id : std::exchange(open, {})) state.close(id);
    for (const auto& prompt : prompts) {
      SW_ASSIGN(const SequenceId id, state.open());
      open.push_back(id);
      sequences.push_back({id, prompt});
    }
    passes = recorded ? &recorded->prefill.passes : nullptr;
    executor.record(recorded ? &spans : nullptr);
    spans.clear();

    const Stopwatch total;
    if (model.tokenizer) {
      SW_ASSIGN(const auto tokens, model.tokenizer->encode(prompt_text));
      if (tokens.empty()) return fail("the prompt has no tokens");
    }
    sample.tokenize_ms = total.ms();
    const Stopwatch prefilling;
    SW_TRY(prefill(sequences, prefilling, sample.queue_ms));
    sample.prefill_ms = prefilling.ms();
    sample.ttft_ms = total.ms();
    if (recorded) {
      recorded->prefill.spans = spans.records();
      spans.clear();
      passes = &recorded->decode.passes;
      passes->reserve(static_cast<std::size_t>(work.new_tokens));
    }
    sample.inter_token_ms.reserve(static_cast<std::size_t>(work.new_tokens));
    for (int i = 0; i < work.new_tokens; ++i) {
      SW_TRY(cancelled());
      const Stopwatch step;
      SW_TRY(decode_step(sequences));
      sample.inter_token_ms.push_back(step.ms());
      sample.decode_ms += sample.inter_token_ms.back();
    }
    sample.total_ms = total.ms();
    if (recorded) recorded->decode.spans = spans.records();
    return sample;
  }

  std::vector<SequenceId> open;
};

SpeedRun::SpeedRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SpeedRun::SpeedRun(SpeedRun&&) noexcept = default;
SpeedRun& SpeedRun::operator=(SpeedRun&&) noexcept = default;
SpeedRun::~SpeedRun() = default;

Result<SpeedRun> SpeedRun::create(const Model& model, ThreadPool& pool, const SpeedWork& work) {
  const ModelSpec& spec = model.spec;
  const std::int64_t length = std::int64_t{work.prompt_tokens} + work.new_tokens;
  if (length > spec.context)
    return fail(fmt::format("-p {} and -n {} make {} positions", work.prompt_tokens, work.new_tokens, length),
                spec.name, fmt::format("at most {}, the model's context", spec.context));
  SW_ASSIGN(StatePool state,
            StatePool::create(
                spec, {.max_tokens = length * work.batch, .max_sequences = work.batch, .kv_type = work.kv_type}));
  SW_ASSIGN(Executor executor,
            Executor::create(spec, model.weights, pool,
                             {.max_batch_tokens = std::max(least_batch_tokens, work.batch), .max_logits = work.batch}));
  std::vector<std::vector<TokenId>> prompts;
  for (int i = 0; i < work.batch; ++i) {
    SW_ASSIGN(auto prompt, sample_prompt(model, work.prompt_tokens, i));
    prompts.push_back(std::move(prompt));
  }
  std::string text;
  if (model.tokenizer) {
    SW_ASSIGN(text, model.tokenizer->decode(prompts.front()));
  }
  auto impl =
      std::make_unique<Impl>(model, work, pool, std::move(state), std::move(executor), std::move(prompts), std::move(text));
  // An op records one span, and a block has a dozen ops at most.
  const auto most_passes = static_cast<std::size_t>(
      std::max<std::int64_t>(work.new_tokens, std::int64_t{work.prompt_tokens} * work.batch / least_batch_tokens + 1));
  impl->spans.reserve(most_passes * (16 * spec.blocks.size() + 8));
  return SpeedRun(std::move(impl));
}

Result<SpeedSample> SpeedRun::run(const std::atomic<bool>* cancel) {
  return impl_->run(cancel, nullptr);
}

Result<RecordedRun> SpeedRun::record(const std::atomic<bool>* cancel) {
  RecordedRun recorded;
  SW_ASSIGN(recorded.sample, impl_->run(cancel, &recorded));
  return recorded;
}

MemoryUse SpeedRun::memory() const {
  const auto batch = static_cast<std::size_t>(impl_->work.batch);
  const auto tokens = static_cast<std::size_t>(impl_->work.prompt_tokens + impl_->work.new_tokens);
  return {.weights = impl_->model.weights->bytes(),
          .state = batch * (tokens * impl_->state.bytes_per_token() + impl_->state.bytes_per_sequence()),
          .activations = impl_->executor.activation_bytes()};
}

const SpeedWork& SpeedRun::work() const {
  return impl_->work;
}

}  // namespace sw
