#include "game_sandbox.hpp"

#include <memory>
#include <vector>

#include "decode/chat_prompt.hpp"
#include "decode/session.hpp"
#include "load.hpp"
#include "server/ask.hpp"

namespace sw {

game::AskModel local_model(const std::string& model) {
  auto loaded = std::make_shared<LoadedModel>();
  return [loaded, model](const std::string& question) -> Result<game::Speculation> {
    if (!loaded->model) {
      SW_ASSIGN(*loaded, load_model({.model = model}));
    }
    if (!loaded->model->tokenizer) return fail("the checkpoint has no tokenizer", model);
    SW_ASSIGN(const ChatPrompt chat, ChatPrompt::create(*loaded->model->tokenizer));
    const std::vector<Message> messages{{"user", question}};
    SW_ASSIGN(const PromptText text, chat.render(messages));
    SW_ASSIGN(const auto prompt, chat.encode(text));
    GenerationOptions options;
    options.max_tokens = AskOptions{}.max_tokens;
    options.sampling.temperature = AskOptions{}.temperature;
    const int room = static_cast<int>(prompt.size()) + options.max_tokens;
    SW_ASSIGN(Session session, Session::create(*loaded->model, *loaded->pool, {.max_tokens = room}));
    SW_ASSIGN(Generation answer, session.generate(prompt, options, {}));
    return game::Speculation{{}, std::move(answer.text), model, false};
  };
}

}  // namespace sw
