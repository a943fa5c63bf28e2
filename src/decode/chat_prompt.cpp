#include "decode/chat_prompt.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "formats/utf8.hpp"

namespace sw {

ChatPrompt::ChatPrompt(const Tokenizer& tokenizer, ChatTemplate chat_template)
    : tokenizer_(&tokenizer), template_(std::move(chat_template)) {}

Result<ChatPrompt> ChatPrompt::create(const Tokenizer& tokenizer) {
  if (tokenizer.chat_template().empty())
    return fail("the model has no chat template", {}, "a model trained to chat",
                "Continue plain text with `speedwins run MODEL --raw -p TEXT`");
  SW_ASSIGN(ChatTemplate compiled, ChatTemplate::compile(tokenizer.chat_template()));
  return ChatPrompt(tokenizer, std::move(compiled));
}

Result<std::string> ChatPrompt::render(std::span<const Message> messages) const {
  const auto text_of = [&](std::optional<TokenId> id) { return id ? std::string(tokenizer_->piece(*id)) : ""; };
  nlohmann::ordered_json context;
  context["messages"] = nlohmann::ordered_json::array();
  for (const Message& message : messages) {
    // What the model wrote is taken as it is: it may have ended inside a character.
    if (message.role != "assistant" && !is_utf8(message.content))
      return fail("the message is not UTF-8", message.role, "UTF-8 text",
                  "Convert it, for example with: iconv -f LATIN1 -t UTF-8");
    context["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  context["add_generation_prompt"] = true;
  context["bos_token"] = text_of(tokenizer_->bos());
  context["eos_token"] = text_of(tokenizer_->eos());
  return template_.render(context);
}

Result<std::vector<TokenId>> ChatPrompt::encode(std::string_view rendered) const {
  return tokenizer_->encode(rendered, {.add_special = false, .parse_special = true});
}

Result<std::string> ChatPrompt::decode(std::span<const TokenId> tokens) const {
  return tokenizer_->decode(tokens);
}

}  // namespace sw
