#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "commands.hpp"
#include "decode/chat_prompt.hpp"
#include "generation_flags.hpp"
#include "generation_report.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "measure/stopwatch.hpp"

namespace sw {
namespace {

struct RunFlags {
  ModelFlags model;
  GenerationOptions generation;
  std::string prompt, system;
  bool raw = false;
};

/// The prompt as the model reads it: in its chat template where it has one and `raw` is off.
Result<std::vector<TokenId>> prompt_tokens(const RunFlags& flags, const Tokenizer& tokenizer) {
  if (flags.raw || tokenizer.chat_template().empty()) {
    if (!flags.system.empty())
      return fail("--system needs a chat template", flags.raw ? "--raw" : flags.model.model, "a model trained to chat");
    return tokenizer.encode(flags.prompt);
  }
  SW_ASSIGN(const ChatPrompt chat, ChatPrompt::create(tokenizer));
  std::vector<Message> messages;
  if (!flags.system.empty()) messages.push_back({"system", flags.system});
  messages.push_back({"user", flags.prompt});
  SW_ASSIGN(const PromptText text, chat.render(messages));
  return chat.encode(text);
}

/// Room for the prompt and the answer wanted, no more: a context of 128k positions is not paid for by ten.
int room_for(std::size_t prompt_tokens, int max_tokens, int context) {
  const auto wanted = static_cast<std::int64_t>(prompt_tokens) + std::max(max_tokens, 1);
  return max_tokens < 0 ? context : static_cast<int>(std::min<std::int64_t>(wanted, context));
}

Result<Report> run(RunFlags flags, bool json) {
  if (flags.prompt.empty()) flags.prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  if (!loaded.model->tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);

  const Stopwatch tokenizing;
  SW_ASSIGN(const auto prompt, prompt_tokens(flags, *loaded.model->tokenizer));
  const double tokenize_ms = tokenizing.ms();
  const Stopwatch creating;
  SW_ASSIGN(
      Session session,
      Session::create(*loaded.model, *loaded.pool,
                      {.max_tokens = room_for(prompt.size(), flags.generation.max_tokens, loaded.model->spec.context),
                       .kv_type = flags.model.kv_type}));
  const double load_ms = loaded.load_ms + creating.ms();

  flags.generation.cancel = &catch_interrupt();
  SW_ASSIGN(Generation generation, session.generate(prompt, flags.generation, [json](std::string_view text) {
    if (json) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }));
  generation.ttft_ms += tokenize_ms;

  Report report;
  report.json = generation_json(generation, load_ms, flags.generation.sampling.top_logprobs >= 0);
  if (!json) {
    std::fputs("\n", stdout);
    std::fflush(stdout);
    fmt::print(stderr, "\n{}", generation_summary(generation, load_ms));
  }
  return report;
}

}  // namespace

void add_run_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<RunFlags>();
  flags->generation.max_tokens = 512;
  CLI::App* command = app.add_subcommand("run", "Answer one prompt, streaming the text");
  add_model_flags(*command, flags->model);
  command->add_option("-p,--prompt", flags->prompt, "The prompt (default: standard input)")
      ->required(isatty(STDIN_FILENO) != 0);
  command->add_option("--system", flags->system, "The system message");
  command->add_flag("--raw", flags->raw, "Continue the prompt as it is, without the model's chat template");
  add_generation_flags(*command, flags->generation);
  command->footer(
      "Examples:\n"
      "  speedwins run demo -p \"What is a KV cache?\"\n"
      "  speedwins run demo -p \"What is a KV cache?\" --temp 0.8 --top-p 0.95 --seed 7\n"
      "  speedwins run model.gguf --raw -p \"Once upon a time\" -n 100\n"
      "  speedwins run demo -p \"Hello\" --json | jq .timings\n"
      "  speedwins run model.gguf < question.txt\n"
      "\n"
      "The text goes to standard output, the timings to standard error.");
  on_command(*command, context, [flags, &context] { return run(*flags, context.json); });
}

}  // namespace sw
