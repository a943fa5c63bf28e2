#include "decode/session.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/thread_pool.hpp"
#include "measure/stopwatch.hpp"

namespace sw {
namespace {

bool is_set(const std::atomic<bool>* flag) {
  return flag && flag->load(std::memory_order_relaxed);
}

}  // namespace

double Generation::prefill_tok_s() const {
  return ttft_ms > 0 ? (prompt_tokens - cached_tokens) / ttft_ms * 1e3 : 0;
}

double Generation::decode_tok_s() const {
  return decode_ms > 0 ? decode_steps / decode_ms * 1e3 : 0;
}

struct Session::Impl {
  const Model& model;
  StatePool state;
  Executor executor;
  SessionOptions options;
  SequenceId sequence;
  std::vector<TokenId> held;  // what the sequence has read

  /// Keeps as much of the sequence as `prompt` begins with, and leaves at least one token of it to compute.
  Status rewind_to(std::span<const TokenId> prompt) {
    const auto differs = std::mismatch(held.begin(), held.end(), prompt.begin(), prompt.end() - 1).first;
    const auto common = static_cast<std::size_t>(differs - held.begin());
    if (common == held.size()) return {};
    if (state.truncate(sequence, static_cast<int>(common))) {
      held.resize(common);
      return {};
    }
    held.clear();  // recurrent layers can only forget everything
    return state.truncate(sequence, 0);
  }

  /// Appends `tokens`; the logits of the last one, or none when more of the prompt follows. `wanted`: as in BatchEntry.
  Result<LogitsRow> feed(std::span<const TokenId> tokens, const WantedLogits& wanted, bool more_follows = false) {
    SW_TRY(state.reserve(sequence, static_cast<int>(tokens.size())));
    const BatchEntry entry{sequence, tokens, more_follows ? 0 : 1, wanted};
    SW_ASSIGN(const Logits logits, executor.forward({&entry, 1}, state));
    held.insert(held.end(), tokens.begin(), tokens.end());
    return more_follows ? LogitsRow{} : logits.whole_row(0);
  }

  /// Appends what `prompt` has beyond `held`, in chunks the executor can take. Nothing when cancelled on the way.
  Result<std::optional<LogitsRow>> prefill(std::span<const TokenId> prompt, const WantedLogits& wanted,
                                           const std::atomic<bool>* cancel) {
    LogitsRow logits;
    while (held.size() < prompt.size()) {
      if (is_set(cancel)) return std::nullopt;
      const auto rest = prompt.subspan(held.size());
      const auto chunk = rest.first(std::min<std::size_t>(rest.size(), options.max_batch_tokens));
      SW_ASSIGN(logits, feed(chunk, wanted, chunk.size() < rest.size()));
    }
    return logits;
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(const Model& model, ThreadPool& pool, const SessionOptions& wanted) {
  if (!model.tokenizer) return fail("the checkpoint has no tokenizer", model.spec.name);
  SessionOptions options = wanted;
  if (options.max_tokens == 0) options.max_tokens = model.spec.context;
  if (options.max_tokens > model.spec.context)
    return fail(fmt::format("room for {} tokens was asked for", options.max_tokens), model.spec.name,
                fmt::format("at most {}, the model's context", model.spec.context));
  options.max_batch_tokens = std::clamp(options.max_tokens, 1, options.max_batch_tokens);
  SW_ASSIGN(StatePool state,
            StatePool::create(model.spec,
                              {.max_tokens = options.max_tokens, .max_sequences = 1, .kv_type = options.kv_type}));
  SW_ASSIGN(Executor executor, Executor::create(model.spec, model.weights, pool,
                                                {.max_batch_tokens = options.max_batch_tokens, .max_logits = 1}));
  SW_ASSIGN(const SequenceId sequence, state.open());
  return Session(std::make_unique<Impl>(model, std::move(state), std::move(executor), options, sequence));
}

int Session::capacity() const {
  return impl_->options.max_tokens;
}

Result<Generation> Session::generate(std::span<const TokenId> prompt, const GenerationOptions& options,
                                     const OnText& on_text) {
  const Stopwatch since_call;
  SW_TRY(options.sampling.check());
  if (prompt.empty()) return fail("the prompt is empty", "prompt", "at least one token");
  if (std::ssize(prompt) >= capacity())
    return fail(fmt::format("the prompt has {} tokens", prompt.size()), "prompt",
                fmt::format("at most {}, to leave room for an answer in a context of {}", capacity() - 1, capacity()),
                "Shorten it, or raise --ctx where the model allows more");

  Generation generation;
  generation.prompt_tokens = static_cast<int>(prompt.size());
  SW_TRY(impl_->rewind_to(prompt));
  generation.cached_tokens = static_cast<int>(impl_->held.size());

  const auto show = [&](const std::string& text) {
    if (text.empty()) return;
    generation.text += text;
    if (on_text) on_text(text);
  };
  // One token more than fits: the last one is not read any more.
  const int room = capacity() - generation.prompt_tokens + 1;
  Continuation continuation(*impl_->model.tokenizer, options, prompt, room);
  SW_ASSIGN(auto logits, impl_->prefill(prompt, continuation.wanted(), options.cancel));
  if (!logits) {
    generation.finish_reason = FinishReason::cancelled;
    return generation;
  }
  std::optional<Stopwatch> since_first;
  for (;;) {
    Continuation::Step step = continuation.advance(*logits);
    if (since_first) {
      ++generation.decode_steps;
      generation.decode_ms = since_first->ms();
    } else {
      generation.ttft_ms = since_call.ms();
      since_first.emplace();
    }
    if (step.token) generation.tokens.push_back(std::move(*step.token));
    show(step.text);
    if (step.finish) {
      generation.finish_reason = *step.finish;
      return generation;
    }
    if (is_set(options.cancel)) {
      generation.finish_reason = FinishReason::cancelled;
      show(continuation.rest());
      return generation;
    }
    SW_ASSIGN(logits, impl_->feed({&generation.tokens.back().token, 1}, continuation.wanted()));
  }
}

void Session::reset() {
  impl_->held.clear();
  static_cast<void>(impl_->state.truncate(impl_->sequence, 0));
}

}  // namespace sw
