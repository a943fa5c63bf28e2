#pragma once

#include <string>
#include <vector>

#include "decode/sampler.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// {token, logprob, bytes, top_logprobs} of each token, separated by commas.
std::string chat_logprobs_json(const std::vector<SampledToken>& tokens, const Tokenizer& tokenizer);

/// A number as JSON; −∞, which JSON lacks, as OpenAI's −9999.
std::string logprob_json(float logprob);

}  // namespace sw
