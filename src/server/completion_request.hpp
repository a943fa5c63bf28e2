#pragma once

#include <string>
#include <variant>
#include <vector>

#include "server/generation_request.hpp"

namespace sw {

/// A text or its tokens.
using Prompt = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest {
  GenerationFields common;
  std::vector<Prompt> prompts;
  bool echo = false;
};
Api<CompletionRequest> read_completion_request(const Json& body);

struct EmbeddingsRequest {
  std::string model;
  std::vector<Prompt> inputs;
  bool base64 = false;
  int dimensions = 0;  ///< 0: all
};
Api<EmbeddingsRequest> read_embeddings_request(const Json& body);

/// A list of integers, each a token id in int32.
Api<std::vector<TokenId>> read_tokens(const Json& list, const std::string& path);

}  // namespace sw
