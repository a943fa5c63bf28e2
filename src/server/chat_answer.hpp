#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/answer.hpp"
#include "server/chat_request.hpp"
#include "server/tool_calls.hpp"

namespace sw {

/// The answer to /v1/chat/completions, whole or streamed.
class ChatAnswer : public Answer {
 public:
  ChatAnswer(AnswerContext context, const ChatRequest& asked);

 private:
  struct Choice {
    explicit Choice(ToolFormat format) : parser(format) {}
    ToolCallParser parser;
    std::string text, logprobs;  ///< so far; of whole answers
    std::string calls;           ///< the list's elements as JSON
    int n_calls = 0;
    bool has_begun = false;
    std::string finish_reason;
  };
  void on_output(int choice, Output&& output) override;
  void on_done() override;
  void on_error(const ApiError& error) override;

  void stream(int index, const std::string& delta, const std::string& logprobs, std::string_view finish_reason);
  std::string calls_json(Choice& choice, const std::vector<ToolCall>& calls, bool with_index) const;

  const bool streamed_, include_usage_, wants_logprobs_;
  std::string head_;  // of every chunk, up to the choices
  std::vector<Choice> choices_;
};

}  // namespace sw
