#include "evaluation/perplexity.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/executor.hpp"

namespace sw {
namespace {

/// Logits held at once: 64 rows of a vocabulary of 150k are 40 MB.
constexpr std::size_t rows_at_once = 64;
constexpr std::size_t unscored_at_once = 512;

}  // namespace

const char* name(Convention convention) {
  return convention == Convention::llama_cpp ? "llama.cpp" : "transformers";
}

std::vector<TextWindow> cut_text(Convention convention, std::size_t n_tokens, std::size_t window, std::size_t stride) {
  std::vector<TextWindow> windows;
  if (convention == Convention::llama_cpp) {
    for (std::size_t begin = 0; begin + window <= n_tokens; begin += window) {
      const std::size_t first = begin + window / 2 + 1;
      windows.push_back({begin, begin + window, first, static_cast<double>(begin + window - first)});
    }
    return windows;
  }
  std::size_t seen = 0;
  for (std::size_t begin = 0; begin < n_tokens; begin += stride) {
    const std::size_t end = std::min(begin + window, n_tokens);
    const std::size_t first = std::max(seen, begin + 1);
    // The window's labels are the tokens not seen before, and the loop subtracts one from their number.
    if (end > first) windows.push_back({begin, end, first, static_cast<double>(end - seen) - 1});
    seen = end;
    if (end == n_tokens) break;
  }
  return windows;
}

Perplexity perplexity_of(std::span<const WindowLoss> windows) {
  Perplexity result;
  std::vector<double> means, weights;
  double sum = 0, squares = 0, weighted = 0, weight = 0;
  for (const WindowLoss& window : windows) {
    if (window.tokens == 0) continue;
    sum += window.sum;
    squares += window.sum_of_squares;
    result.tokens += window.tokens;
    means.push_back(window.sum / window.tokens);
    weights.push_back(window.weight);
    weighted += window.weight * means.back();
    weight += window.weight;
  }
  if (weight <= 0) return result;
  result.nats_per_token = weighted / weight;
  result.value = std::exp(result.nats_per_token);
  const double mean = sum / result.tokens;
  const double variance = std::max(0.0, squares / result.tokens - mean * mean);
  result.standard_error = result.tokens > 1 ? result.value * std::sqrt(variance / (result.tokens - 1)) : 0;
  const Interval nats = bootstrap_mean(means, weights);
  result.interval = {std::exp(nats.low), std::exp(nats.high)};
  return result;
}

struct TextScorer::Impl {
  StatePool state;
  Executor executor;
};

TextScorer::TextScorer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextScorer::TextScorer(TextScorer&&) noexcept = default;
TextScorer& TextScorer::operator=(TextScorer&&) noexcept = default;
TextScorer::~TextScorer() = default;

Result<TextScorer> TextScorer::create(const Model& model, ThreadPool& pool, int window, KvType kv_type) {
  if (window > model.spec.context)
    return fail("windows of " + std::to_string(window) + " tokens were asked for", model.spec.name,
                "at most " + std::to_string(model.spec.context) + ", the model's context", "Use a smaller --ctx");
  SW_ASSIGN(StatePool state,
            StatePool::create(model.spec, {.max_tokens = window, .max_sequences = 1, .kv_type = kv_type}));
  SW_ASSIGN(Executor executor,
            Executor::create(model.spec, model.weights, pool,
                             {.max_batch_tokens = unscored_at_once, .max_logits = static_cast<int>(rows_at_once)}));
  return TextScorer(std::make_unique<Impl>(std::move(state), std::move(executor)));
}

Status TextScorer::score(std::span<const TokenId> tokens, std::size_t first_scored, const OnRow& on_row) {
  if (first_scored == 0) return fail("the first token of a text has no probability", "a window");
  SW_ASSIGN(const SequenceId sequence, impl_->state.open());
  const auto run = [&]() -> Status {
    SW_TRY(impl_->state.reserve(sequence, static_cast<int>(tokens.size())));
    // The logits that predict token i are those of token i − 1; nothing is predicted by the last.
    const std::size_t first_row = first_scored - 1, rows_end = tokens.size() - 1;
    for (std::size_t begin = 0; begin < rows_end;) {
      const bool scored = begin >= first_row;
      const std::size_t limit = scored ? rows_end : first_row;
      const auto chunk = tokens.subspan(begin, std::min(limit - begin, scored ? rows_at_once : unscored_at_once));
      const BatchEntry entry{sequence, chunk, scored ? static_cast<int>(chunk.size()) : 0};
      SW_ASSIGN(const Logits logits, impl_->executor.forward({&entry, 1}, impl_->state));
      for (std::size_t i = 0; scored && i < chunk.size(); ++i)
        SW_TRY(on_row(begin + i + 1, logits.row(static_cast<int>(i))));
      begin += chunk.size();
    }
    return {};
  };
  const Status done = run();
  impl_->state.close(sequence);
  return done;
}

Result<WindowLoss> TextScorer::loss(std::span<const TokenId> text, const TextWindow& window,
                                    std::optional<TokenId> first, const OnRow& also) {
  const auto part = text.subspan(window.begin, window.end - window.begin);
  std::vector<TokenId> tokens(part.begin(), part.end());
  if (first) tokens.front() = *first;
  WindowLoss loss{.weight = window.weight};
  SW_TRY(score(tokens, window.first_scored - window.begin, [&](std::size_t i, std::span<const float> logits) -> Status {
    const double nats = surprise(logits, tokens[i]);
    loss.sum += nats;
    loss.sum_of_squares += nats * nats;
    ++loss.tokens;
    return also ? also(i, logits) : Status{};
  }));
  return loss;
}

double surprise(std::span<const float> logits, TokenId target) {
  const float largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) - (logits[static_cast<std::size_t>(target)] - largest);
}

Result<std::optional<TokenId>> begin_token(const Tokenizer& tokenizer) {
  SW_ASSIGN(const std::vector<TokenId> added, tokenizer.encode(""));
  if (!added.empty() && tokenizer.bos() == added.front()) return tokenizer.bos();
  return std::nullopt;
}

}  // namespace sw
