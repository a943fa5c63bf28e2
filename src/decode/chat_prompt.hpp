#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace sw {

struct Message {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

/// Writes messages the way a model was trained to read them: its own chat template with its special tokens.
class ChatPrompt {
 public:
  /// Fails where the checkpoint has no chat template. `tokenizer` must outlive the object.
  static Result<ChatPrompt> create(const Tokenizer& tokenizer);

  /// The text up to where the assistant's next message begins.
  Result<std::string> render(std::span<const Message> messages) const;
  /// The tokens of rendered text: special tokens are recognised, and none added that the template did not write.
  Result<std::vector<TokenId>> encode(std::string_view rendered) const;
  /// The text of a reply's tokens.
  Result<std::string> decode(std::span<const TokenId> tokens) const;

 private:
  ChatPrompt(const Tokenizer& tokenizer, ChatTemplate chat_template);

  const Tokenizer* tokenizer_;
  ChatTemplate template_;
};

}  // namespace sw
