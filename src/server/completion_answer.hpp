#pragma once

#include <string>
#include <vector>

#include "server/answer.hpp"
#include "server/completion_request.hpp"

namespace sw {

/// The answer to /v1/completions, whole or streamed.
class CompletionAnswer : public Answer {
 public:
  /// `echoes`: by prompt, what its choices' texts begin with.
  CompletionAnswer(AnswerContext context, const CompletionRequest& asked, std::vector<std::string> echoes);

  /// Without asking the model: for max_tokens 0.
  void answer_empty(int prompt_tokens);

 private:
  struct Choice {
    std::string text;
    std::vector<SampledToken> tokens;
    bool has_begun = false;
    std::size_t offset = 0;  ///< of the next token in the text, in bytes
    std::string finish_reason;
  };
  void on_output(int choice, Output&& output) override;
  void on_done() override;
  void on_error(const ApiError& error) override;
  std::string choice_json(std::size_t index, std::string_view text, const std::vector<SampledToken>& tokens,
                          std::string_view finish_reason);

  const bool streamed_, include_usage_, wants_logprobs_;
  const std::vector<std::string> echoes_;
  std::string head_;
  std::vector<Choice> choices_;
};

}  // namespace sw
