#include "decode/continuation.hpp"

#include <algorithm>
#include <utility>

namespace sw {

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
    case FinishReason::deadline:
      return "deadline";
    case FinishReason::failed:
      return "failed";
  }
  return "";
}

Continuation::Continuation(const Tokenizer& tokenizer, const TextOptions& options, std::span<const TokenId> prompt,
                           int room)
    : tokenizer_(tokenizer),
      ignore_eos_(options.ignore_eos),
      max_tokens_(options.max_tokens < 0 ? room : std::min(options.max_tokens, room)),
      sampler_(options.sampling),
      constraint_(options.constraint ? options.constraint->fresh() : nullptr),
      decoder_(tokenizer),
      stop_strings_(options.stop_strings) {
  if (options.sampling.repetition_penalty != 1) sampler_.observe_prompt(prompt);
}

bool Continuation::ends_text(TokenId token) const {
  return !ignore_eos_ && std::ranges::find(tokenizer_.stop_ids(), token) != tokenizer_.stop_ids().end();
}

Continuation::Step Continuation::advance(const LogitsRow& logits) {
  if (n_tokens_ >= max_tokens_) return {.token = {}, .text = rest(), .finish = FinishReason::length};
  if (constraint_) {
    allowed_logits_.assign(logits.values.begin(), logits.values.end());
    if (!deny_logits(constraint_->allowed(), allowed_logits_))
      return {.token = {}, .text = rest(), .finish = FinishReason::stop};
  }
  Step step;
  SampledToken sampled = constraint_ ? sampler_.sample(allowed_logits_) : sampler_.sample(logits);
  if (ends_text(sampled.token)) {
    step.text = rest();
    step.finish = FinishReason::stop;
    return step;
  }
  if (constraint_) constraint_->accept(sampled.token);
  ++n_tokens_;
  step.text = stop_strings_.push(decoder_.push(sampled.token));
  step.token = std::move(sampled);
  if (stop_strings_.stopped()) {
    step.finish = FinishReason::stop;
  } else if (n_tokens_ == max_tokens_) {
    step.finish = FinishReason::length;
    step.text += rest();
  }
  return step;
}

std::string Continuation::rest() {
  if (stop_strings_.stopped()) return {};
  std::string text = stop_strings_.push(decoder_.finish());
  return stop_strings_.stopped() ? text : text + stop_strings_.finish();
}

}  // namespace sw
