#pragma once

#include <string>

#include <nlohmann/json.hpp>
#include "decode/session.hpp"

namespace sw {

/// text, prompt_tokens, new_tokens, finish_reason, tokens, timings{load_ms, ttft_ms, prefill_tok_s, decode_tok_s};
/// with log-probabilities also logprobs. decode_tok_s is null where only one token was sampled.
nlohmann::ordered_json generation_json(const Generation& generation, double load_ms, bool logprobs);

/// A few lines that show where the time went. `load_ms` < 0: not part of it.
std::string generation_summary(const Generation& generation, double load_ms);

}  // namespace sw
