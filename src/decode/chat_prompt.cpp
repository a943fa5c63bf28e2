#include "decode/chat_prompt.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "formats/utf8.hpp"
#include "text/text_marks.hpp"

namespace sw {
namespace {

using Json = nlohmann::ordered_json;

/// Calls `visit` with every string and every key of `value`.
template <class Visit>
Status each_string(const Json& value, const Visit& visit) {
  if (value.is_string()) return visit(value.get_ref<const std::string&>());
  if (!value.is_structured()) return {};
  for (const auto& item : value.items()) {
    if (value.is_object()) SW_TRY(visit(item.key()));
    SW_TRY(each_string(item.value(), visit));
  }
  return {};
}

/// `value` with every string and every key as `rewrite` makes it.
template <class Rewrite>
Json rewritten(const Json& value, const Rewrite& rewrite) {
  if (value.is_string()) return rewrite(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json out = value.is_object() ? Json::object() : Json::array();
  for (const auto& item : value.items()) {
    if (value.is_object())
      out[rewrite(item.key())] = rewritten(item.value(), rewrite);
    else
      out.push_back(rewritten(item.value(), rewrite));
  }
  return out;
}

}  // namespace

PromptText PromptText::after(std::size_t size) const {
  PromptText out{text.substr(size), {}};
  for (const std::size_t place : literal)
    if (place >= size) out.literal.push_back(place - size);
  return out;
}

ChatPrompt::ChatPrompt(const Tokenizer& tokenizer, ChatTemplate chat_template)
    : tokenizer_(&tokenizer), template_(std::move(chat_template)) {}

Result<ChatPrompt> ChatPrompt::create(const Tokenizer& tokenizer) {
  if (tokenizer.chat_template().empty())
    return fail("the model has no chat template", {}, "a model trained to chat",
                "Continue plain text with `speedwins run MODEL --raw -p TEXT`");
  SW_ASSIGN(ChatTemplate compiled, ChatTemplate::compile(tokenizer.chat_template()));
  return ChatPrompt(tokenizer, std::move(compiled));
}

Result<PromptText> ChatPrompt::render(std::span<const Message> messages) const {
  Json variables;
  variables["messages"] = Json::array();
  for (const Message& message : messages) {
    // What the model wrote is taken as it is: it may have ended inside a character.
    if (message.role != "assistant" && !is_utf8(message.content))
      return fail("the message is not UTF-8", message.role, "UTF-8 text",
                  "Convert it, for example with: iconv -f LATIN1 -t UTF-8");
    variables["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  return render(std::move(variables));
}

Result<PromptText> ChatPrompt::render(Json variables) const {
  bool any_special = false;
  std::vector<std::string_view> texts{tokenizer_->chat_template()};
  SW_TRY(each_string(variables, [&](const std::string& text) -> Status {
    SW_ASSIGN(const auto places, tokenizer_->special_texts(text));
    any_special = any_special || !places.empty();
    texts.push_back(text);
    return {};
  }));
  // The template does what it wants with the text, so the places in it are marked until it is done.
  std::optional<std::string> mark;
  if (any_special) {
    mark = TextMarks::unused_in(texts);
    if (!mark)
      return fail("the conversation holds all of Unicode's noncharacters U+FDD0 to U+FDEF and texts of special tokens",
                  "messages", "text", "Leave the noncharacters out");
    variables = rewritten(variables, [&](const std::string& text) {
      return TextMarks::put_in(text, *tokenizer_->special_texts(text), *mark);
    });
  }
  const auto text_of = [&](std::optional<TokenId> id) { return id ? std::string(tokenizer_->piece(*id)) : ""; };
  variables["add_generation_prompt"] = true;
  variables["bos_token"] = text_of(tokenizer_->bos());
  variables["eos_token"] = text_of(tokenizer_->eos());
  SW_ASSIGN(std::string text, template_.render(variables));
  if (!mark) return PromptText{std::move(text), {}};
  TextMarks found = TextMarks::take_out(text, *mark);
  return PromptText{std::move(found.text), std::move(found.places)};
}

Result<std::vector<TokenId>> ChatPrompt::encode(const PromptText& rendered) const {
  return tokenizer_->encode(rendered.text, {.add_special = false, .parse_special = true, .literal = rendered.literal});
}

Result<std::string> ChatPrompt::decode(std::span<const TokenId> tokens) const {
  return tokenizer_->decode(tokens);
}

}  // namespace sw
