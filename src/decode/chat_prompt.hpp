#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "base/error.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace sw {

struct Message {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

/// A rendered conversation. What people wrote in it stays text, whatever they wrote.
struct PromptText {
  std::string text;
  std::vector<std::size_t> literal;  ///< EncodeOptions::literal

  /// What comes after the first `size` bytes.
  PromptText after(std::size_t size) const;
};

/// Writes messages the way a model was trained to read them: its own chat template with its special tokens. Only the
/// template writes those: the text of one in a message, a name, a tool or its arguments is read as ordinary text.
class ChatPrompt {
 public:
  /// Fails where the checkpoint has no chat template. `tokenizer` must outlive the object.
  static Result<ChatPrompt> create(const Tokenizer& tokenizer);

  /// The text up to where the assistant's next message begins.
  Result<PromptText> render(std::span<const Message> messages) const;
  /// The same of a template's variables: "messages", and where wanted "tools" and the template's own.
  Result<PromptText> render(nlohmann::ordered_json variables) const;
  /// The tokens of rendered text: none but those that the template wrote are special.
  Result<std::vector<TokenId>> encode(const PromptText& rendered) const;
  /// The text of a reply's tokens.
  Result<std::string> decode(std::span<const TokenId> tokens) const;

 private:
  ChatPrompt(const Tokenizer& tokenizer, ChatTemplate chat_template);

  const Tokenizer* tokenizer_;
  ChatTemplate template_;
};

}  // namespace sw
