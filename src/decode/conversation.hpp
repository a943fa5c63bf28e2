#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "decode/chat_prompt.hpp"
#include "decode/session.hpp"

namespace sw {

/// The turns of a chat as text and as tokens. A turn's tokens begin with exactly the tokens the model has read and
/// written before, wherever the template lets the text continue, so that a session computes only what is new.
class Conversation {
 public:
  /// `system` may be empty.
  Conversation(ChatPrompt prompt, std::string system);

  /// Adds the user's message; the tokens of the whole conversation up to where the reply begins.
  Result<std::vector<TokenId>> ask(std::string message);
  /// Adds the model's reply to the last ask().
  void answer(const Generation& reply);
  /// Takes back an ask() that got no answer.
  void retract();
  /// Forgets all but the system message.
  void reset();

 private:
  void forget_tokens();

  ChatPrompt prompt_;
  std::vector<Message> messages_;
  std::string text_;  // what `tokens_` stand for
  std::vector<TokenId> tokens_;
  bool has_system_;
};

}  // namespace sw
