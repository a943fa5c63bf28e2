#include "serving/probe.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "measure/stopwatch.hpp"
#include "ops/ops.hpp"

namespace sw {
namespace {

constexpr int prompt_tokens = 2 * kv_block;
constexpr int decode_steps = 3;

/// What the state depends on that a short text does not show.
std::string description(const Model& model, KvType kv_type) {
  std::string text = fmt::format("{}\n{}\n{} {}\n", model.spec.name, model.spec.architecture, model.spec.vocab,
                                 static_cast<int>(kv_type));
  for (const BlockSpec& block : model.spec.blocks)
    if (const auto* attention = std::get_if<Attention>(&block.mixer))
      text += fmt::format("{} {}\n", attention->window, attention->softcap);
  return text;
}

}  // namespace

Result<Probe> probe(const Model& model, Executor& executor, StatePool& state) {
  StepBudget budget(executor.max_batch_tokens());
  // Tokens from all over the vocabulary, so that another embedding shows.
  const int n = std::min({prompt_tokens, model.spec.context - decode_steps, executor.max_batch_tokens()});
  std::vector<TokenId> text;
  for (std::int64_t i = 0; i < n; ++i) text.push_back(static_cast<TokenId>(i * model.spec.vocab / n));

  SW_ASSIGN(const SequenceId sequence, state.open());
  const auto step = [&](std::span<const TokenId> tokens) -> Result<double> {
    SW_TRY(state.reserve(sequence, static_cast<int>(tokens.size())));
    BatchEntry entry;
    entry.sequence = sequence;
    entry.tokens = tokens;
    const Stopwatch stopwatch;
    SW_ASSIGN([[maybe_unused]] const Logits logits, executor.forward({&entry, 1}, state));
    return stopwatch.ms();
  };

  SW_ASSIGN([[maybe_unused]] const double cold_ms, step(text));
  Digest digest = Digest::sha256();
  digest.update(description(model, state.kv_type()));
  digest.update(std::string_view(model.weights->ops().isa));
  for (const std::int32_t block : state.blocks_of(sequence))
    digest.update({state.blocks().at(block), state.blocks().slot_bytes()});
  if (const std::int32_t recurrent = state.recurrent_state_of(sequence); recurrent != Slots::none)
    digest.update({state.recurrent_states().at(recurrent), state.recurrent_states().slot_bytes()});

  for (int i = 0; i < decode_steps; ++i) {
    SW_ASSIGN(const double ms, step({text.data(), 1}));
    budget.observe(1, 0, ms);
  }
  SW_TRY(state.truncate(sequence, 0));
  SW_ASSIGN(const double warm_ms, step(text));
  budget.observe(0, n, warm_ms);
  state.close(sequence);
  return Probe{PrefixKey::of_model(digest.bytes()), budget};
}

}  // namespace sw
