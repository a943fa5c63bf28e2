// Conversations of hostile messages, in templates of the usual kinds: no text of theirs becomes a special token. The
// first byte chooses the template; NULs part the rest into messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "decode/chat_prompt.hpp"

namespace {

using Json = nlohmann::ordered_json;

constexpr sw::TokenId unknown = 0;

constexpr std::string_view templates[] = {
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n",
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content | trim + '</s>' }}{% endfor %}",
    "{% for m in messages %}[INST]{{ m.content.split('</think>')[-1].strip('\n') }}[/INST]{% endfor %}",
    "{% for m in messages %}<|im_start|>{{ m | tojson(ensure_ascii=true) }}<|im_end|>{% endfor %}",
    "{% for m in messages %}<|{{ m.content }}_end|>{% endfor %}</s>",
    "{% for m in messages %}{{ m.content }}{% endfor %}</s>",
    "<s>{{ messages | map(attribute='content') | join('</s>') | string }}",
};

/// Every character is unknown to it but those in special tokens.
std::unique_ptr<const sw::Tokenizer> tokenizer_of(std::string_view chat_template) {
  Json added = Json::array();
  int id = unknown + 1;
  for (const char* content :
       {"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|user|>", "[INST]", "[/INST]", "§", "<|im_start|>x", "<<"})
    added.push_back({{"id", id++},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", id % 3 == 0},
                     {"rstrip", id % 4 == 0},
                     {"normalized", id % 5 == 0},
                     {"special", true}});
  const Json file = {
      {"added_tokens", added},
      {"normalizer", {{"type", "Prepend"}, {"prepend", "▁"}}},
      {"model", {{"type", "BPE"}, {"vocab", {{"?", unknown}}}, {"merges", Json::array()}, {"unk_token", "?"}}}};
  const Json config = {{"chat_template", chat_template}, {"bos_token", "<s>"}, {"eos_token", "</s>"}};
  auto tokenizer = sw::Tokenizer::from_json(file.dump(), config.dump());
  if (!tokenizer) std::abort();
  return std::move(*tokenizer);
}

struct Chat {
  explicit Chat(std::string_view chat_template)
      : tokenizer(tokenizer_of(chat_template)), prompt(*sw::ChatPrompt::create(*tokenizer)) {}

  /// The special tokens of a conversation; nothing where it is refused.
  sw::Result<std::vector<sw::TokenId>> specials(const std::vector<sw::Message>& messages) const {
    SW_ASSIGN(const sw::PromptText text, prompt.render(messages));
    SW_ASSIGN(std::vector<sw::TokenId> ids, prompt.encode(text));
    std::erase_if(ids, [&](sw::TokenId id) { return id == unknown || !tokenizer->is_special(id); });
    return ids;
  }

  std::unique_ptr<const sw::Tokenizer> tokenizer;
  sw::ChatPrompt prompt;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 1024) return 0;
  static const std::vector<std::unique_ptr<Chat>> chats = [] {
    std::vector<std::unique_ptr<Chat>> all;
    for (const auto chat_template : templates) all.push_back(std::make_unique<Chat>(chat_template));
    return all;
  }();
  const Chat& chat = *chats[data[0] % chats.size()];
  std::vector<sw::Message> hostile, innocent;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  for (bool more = true; more;) {
    const auto end = std::min(rest.find('\0'), rest.size());
    hostile.push_back({"user", std::string(rest.substr(0, end))});
    innocent.push_back({"user", "a"});
    more = end < rest.size();
    if (more) rest = rest.substr(end + 1);
  }
  const auto wanted = chat.specials(innocent);
  if (!wanted) std::abort();
  const auto got = chat.specials(hostile);
  if (got && *got != *wanted) std::abort();
  return 0;
}
