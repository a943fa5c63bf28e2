#include "decode/conversation.hpp"

#include <utility>

namespace sw {

Conversation::Conversation(ChatPrompt prompt, std::string system)
    : prompt_(std::move(prompt)), has_system_(!system.empty()) {
  if (has_system_) messages_.push_back({"system", std::move(system)});
}

Result<std::vector<TokenId>> Conversation::ask(std::string message) {
  messages_.push_back({"user", std::move(message)});
  auto rendered = prompt_.render(messages_);
  if (!rendered) {
    messages_.pop_back();
    return std::unexpected(std::move(rendered).error());
  }
  // Templates may rewrite earlier turns (trim them, drop them); then everything is encoded anew.
  const bool continues = !text_.empty() && rendered->text.starts_with(text_);
  auto tokens = prompt_.encode(continues ? rendered->after(text_.size()) : *rendered);
  if (!tokens) {
    messages_.pop_back();
    return std::unexpected(std::move(tokens).error());
  }
  if (continues) tokens->insert(tokens->begin(), tokens_.begin(), tokens_.end());
  tokens_ = std::move(*tokens);
  text_ = std::move(rendered->text);
  return tokens_;
}

void Conversation::answer(const Generation& reply) {
  messages_.push_back({"assistant", reply.text});
  std::vector<TokenId> written;
  for (const SampledToken& sampled : reply.tokens) written.push_back(sampled.token);
  if (prompt_.decode(written) == reply.text) {
    text_ += reply.text;
    tokens_.insert(tokens_.end(), written.begin(), written.end());
  } else {  // the text was cut at a stop string
    forget_tokens();
  }
}

void Conversation::retract() {
  messages_.pop_back();
  forget_tokens();
}

void Conversation::reset() {
  messages_.resize(has_system_ ? 1 : 0);
  forget_tokens();
}

void Conversation::forget_tokens() {
  text_.clear();
  tokens_.clear();
}

}  // namespace sw
