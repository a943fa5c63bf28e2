#include "server/embeddings_answer.hpp"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <bit>
#include <cmath>
#include <utility>

namespace sw {
namespace {

/// OpenAI's base64 of float32 in little-endian order, which is this machine's.
std::string base64(const std::vector<float>& values) {
  static_assert(std::endian::native == std::endian::little);
  const auto n_bytes = values.size() * sizeof(float);
  std::string out((n_bytes + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(values.data()), static_cast<int>(n_bytes));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// The first `n` values, of length 1 again (Matryoshka representations, Kusupati et al. 2022).
void shorten(std::vector<float>& values, int n) {
  if (n == 0 || n >= static_cast<int>(values.size())) return;
  values.resize(static_cast<std::size_t>(n));
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  if (sum > 0)
    for (float& value : values) value = static_cast<float>(value / std::sqrt(sum));
}

}  // namespace

EmbeddingsAnswer::EmbeddingsAnswer(AnswerContext context, const EmbeddingsRequest& asked)
    : Answer(std::move(context)), base64_(asked.base64), dimensions_(asked.dimensions), vectors_(asked.inputs.size()) {}

void EmbeddingsAnswer::on_output(int choice, Output&& output) {
  if (!output.embedding.empty()) vectors_[static_cast<std::size_t>(choice)] = std::move(output.embedding);
}

void EmbeddingsAnswer::on_done() {
  std::string data;
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    shorten(vectors_[i], dimensions_);
    data += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", i > 0 ? "," : "", i);
    if (base64_) {
      data += '"' + base64(vectors_[i]) + '"';
    } else {
      data += '[';
      for (std::size_t k = 0; k < vectors_[i].size(); ++k)
        data += fmt::format("{}{}", k > 0 ? "," : "", vectors_[i][k]);
      data += ']';
    }
    data += '}';
  }
  http::Response response;
  response.body = fmt::format(R"({{"object":"list","data":[{}],"model":)", data);
  http::append_json_string(response.body, model().name());
  response.body +=
      fmt::format(R"(,"usage":{{"prompt_tokens":{0},"total_tokens":{0}}},"timings":{{"total_ms":{1:.3f}}}}})",
                  timings().prompt_tokens, timings().total_ms);
  response.headers = {{"Server-Timing", fmt::format("total;dur={:.2f}", timings().total_ms)}};
  exchange()->respond(std::move(response));
}

}  // namespace sw
