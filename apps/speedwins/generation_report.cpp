#include "generation_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace sw {
namespace {

nlohmann::ordered_json logprobs_json(const std::vector<SampledToken>& tokens) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SampledToken& sampled : tokens) {
    nlohmann::ordered_json top = nlohmann::ordered_json::array();
    for (const TokenLogprob& alternative : sampled.top)
      top.push_back({{"token", alternative.token}, {"logprob", alternative.logprob}});
    list.push_back({{"token", sampled.token}, {"logprob", sampled.logprob}, {"top", top}});
  }
  return list;
}

}  // namespace

nlohmann::ordered_json generation_json(const Generation& generation, double load_ms, bool logprobs) {
  nlohmann::ordered_json json;
  json["text"] = generation.text;
  json["prompt_tokens"] = generation.prompt_tokens;
  json["new_tokens"] = generation.tokens.size();
  json["finish_reason"] = name(generation.finish_reason);
  json["tokens"] = nlohmann::ordered_json::array();
  for (const SampledToken& sampled : generation.tokens) json["tokens"].push_back(sampled.token);
  if (logprobs) json["logprobs"] = logprobs_json(generation.tokens);
  json["timings"] = {{"load_ms", load_ms},
                     {"ttft_ms", generation.ttft_ms},
                     {"prefill_tok_s", generation.prefill_tok_s()},
                     {"decode_tok_s", nullptr}};
  if (generation.decode_steps > 0) json["timings"]["decode_tok_s"] = generation.decode_tok_s();
  return json;
}

std::string generation_summary(const Generation& generation, double load_ms) {
  struct Part {
    std::string label;
    double ms;
    std::string detail;
  };
  std::vector<Part> parts;
  if (load_ms >= 0) parts.push_back({"load", load_ms, ""});
  std::string prompt =
      fmt::format("{} prompt tokens, {:.0f} tok/s", generation.prompt_tokens, generation.prefill_tok_s());
  if (generation.cached_tokens > 0) prompt += fmt::format(", {} already known", generation.cached_tokens);
  parts.push_back({"first token", generation.ttft_ms, std::move(prompt)});
  if (generation.decode_steps > 0)
    parts.push_back({"other tokens", generation.decode_ms,
                     fmt::format("{} tokens, {:.0f} tok/s", generation.decode_steps, generation.decode_tok_s())});

  double total = 0;
  for (const Part& part : parts) total += part.ms;
  constexpr double width = 24;
  std::string text;
  for (const Part& part : parts) {
    const int filled = total > 0 ? static_cast<int>(std::lround(part.ms / total * width)) : 0;
    std::string bar;
    for (int i = 0; i < std::max(filled, 1); ++i) bar += "█";
    for (int i = std::max(filled, 1); i < static_cast<int>(width); ++i) bar += " ";
    text += fmt::format("  {:<13}{:>9.1f} ms  {}  {}\n", part.label, part.ms, bar, part.detail);
  }
  return text;
}

}  // namespace sw
