#pragma once

#include <vector>

#include "server/answer.hpp"
#include "server/completion_request.hpp"

namespace sw {

/// The answer to /v1/embeddings.
class EmbeddingsAnswer : public Answer {
 public:
  EmbeddingsAnswer(AnswerContext context, const EmbeddingsRequest& asked);

 private:
  void on_output(int choice, Output&& output) override;
  void on_done() override;

  const bool base64_;
  const int dimensions_;
  std::vector<std::vector<float>> vectors_;
};

}  // namespace sw
