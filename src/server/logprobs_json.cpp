#include "server/logprobs_json.hpp"

#include <fmt/core.h>

#include <cmath>

#include "server/http/message.hpp"

namespace sw {
namespace {

/// The fields of one token, without the brace that ends the object.
void append_token(std::string& out, TokenId token, float logprob, const Tokenizer& tokenizer) {
  const std::string_view piece = tokenizer.piece(token);
  out += R"({"token":)";
  http::append_json_string(out, piece);
  out += R"(,"logprob":)" + logprob_json(logprob) + R"(,"bytes":[)";
  for (std::size_t i = 0; i < piece.size(); ++i)
    out += fmt::format("{}{}", i > 0 ? "," : "", static_cast<unsigned char>(piece[i]));
  out += ']';
}

}  // namespace

std::string logprob_json(float logprob) {
  return std::isfinite(logprob) ? fmt::format("{}", logprob) : "-9999";
}

std::string chat_logprobs_json(const std::vector<SampledToken>& tokens, const Tokenizer& tokenizer) {
  std::string out;
  for (const SampledToken& token : tokens) {
    if (!out.empty()) out += ',';
    append_token(out, token.token, token.logprob, tokenizer);
    out += R"(,"top_logprobs":[)";
    for (std::size_t i = 0; i < token.top.size(); ++i) {
      if (i > 0) out += ',';
      append_token(out, token.top[i].token, token.top[i].logprob, tokenizer);
      out += '}';
    }
    out += "]}";
  }
  return out;
}

}  // namespace sw
