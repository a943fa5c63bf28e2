#include "server/completion_request.hpp"

#include <fmt/core.h>

#include <limits>

namespace sw {
namespace {

/// A string, a list of strings, a list of token ids, or a list of such lists.
Api<std::vector<Prompt>> read_prompts(const Json& value, const std::string& path, std::size_t most) {
  const auto wrong = [&](std::string_view what) {
    return refuse(400, fmt::format("{} {}", path, what), "invalid_value", path);
  };
  std::vector<Prompt> prompts;
  if (value.is_string()) {
    prompts.emplace_back(value.get<std::string>());
    return prompts;
  }
  if (!value.is_array() || value.empty())
    return wrong("must be a string, a list of strings, a list of token ids or a list of such lists");
  if (value.front().is_number()) {
    SW_ASSIGN(std::vector<TokenId> tokens, read_tokens(value, path));
    prompts.emplace_back(std::move(tokens));
    return prompts;
  }
  if (value.size() > most) return wrong(fmt::format("has more than {} entries", most));
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string here = fmt::format("{}[{}]", path, i);
    if (value[i].is_string()) {
      prompts.emplace_back(value[i].get<std::string>());
    } else if (value[i].is_array() && !value[i].empty()) {
      SW_ASSIGN(std::vector<TokenId> tokens, read_tokens(value[i], here));
      prompts.emplace_back(std::move(tokens));
    } else {
      return refuse(400, here + " must be a string or a list of token ids", "invalid_value", here);
    }
  }
  return prompts;
}

}  // namespace

Api<std::vector<TokenId>> read_tokens(const Json& list, const std::string& path) {
  if (!list.is_array()) return refuse(400, path + " must be a list of token ids", "invalid_value", path);
  std::vector<TokenId> tokens;
  tokens.reserve(list.size());
  for (const Json& id : list) {
    if (!id.is_number_integer() || (id.is_number_unsigned() && id.get<std::uint64_t>() > 0x7fffffff) ||
        id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > std::numeric_limits<TokenId>::max())
      return refuse(400, fmt::format("{}[{}] is no token id", path, tokens.size()), "invalid_value", path);
    tokens.push_back(id.get<TokenId>());
  }
  return tokens;
}

Api<CompletionRequest> read_completion_request(const Json& body) {
  CompletionRequest asked;
  SW_ASSIGN(asked.common, read_generation_fields(body));
  Request& request = asked.common.request;
  Fields fields(body);
  const Json* prompt = fields.find("prompt");
  if (!prompt) return refuse(400, "prompt is missing", "missing_field", "prompt");
  SW_ASSIGN(asked.prompts, read_prompts(*prompt, "prompt", 64));
  request.max_tokens = 16;  // OpenAI's default
  fields.read("max_tokens", request.max_tokens, 0, 1 << 24);
  fields.read("logprobs", request.sampling.top_logprobs, 0, 20);
  fields.read("echo", asked.echo);
  std::string suffix;
  fields.read("suffix", suffix);
  if (!suffix.empty()) fields.reject("suffix", "is not supported");
  int best_of = request.n;
  fields.read("best_of", best_of, 1, 16);
  if (best_of != request.n) fields.reject("best_of", "is not supported, other than as n");
  if (asked.echo && request.sampling.top_logprobs >= 0)
    fields.reject("echo", "is not supported together with logprobs");
  SW_TRY(fields.status());
  return asked;
}

Api<EmbeddingsRequest> read_embeddings_request(const Json& body) {
  EmbeddingsRequest asked;
  Fields fields(body);
  const Json* input = fields.find("input");
  if (!input) return refuse(400, "input is missing", "missing_field", "input");
  SW_ASSIGN(asked.inputs, read_prompts(*input, "input", 256));
  for (const Prompt& prompt : asked.inputs)
    if (const auto* text = std::get_if<std::string>(&prompt); text && text->empty())
      fields.reject("input", "has an empty string");
  fields.read("model", asked.model);
  std::string format = "float";
  fields.read("encoding_format", format);
  if (format != "float" && format != "base64") fields.reject("encoding_format", "must be float or base64");
  asked.base64 = format == "base64";
  fields.read("dimensions", asked.dimensions, 1, 1 << 20);
  SW_TRY(fields.status());
  return asked;
}

}  // namespace sw
