#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "commands.hpp"
#include "decode/conversation.hpp"
#include "generation_flags.hpp"
#include "generation_report.hpp"
#include "interrupt.hpp"
#include "load.hpp"

namespace sw {
namespace {

/// Positions reserved unless --ctx says otherwise: enough for a long talk, small enough for models of 128k.
constexpr int default_context = 8192;

struct ChatFlags {
  ModelFlags model;
  GenerationOptions generation;
  std::string system;
};

/// One line from the user; false at the end of the input.
bool read_line(bool interactive, std::string& line) {
  if (interactive) {
    std::fputs("> ", stderr);
    std::fflush(stderr);
  }
  return static_cast<bool>(std::getline(std::cin, line));
}

Result<Report> chat(ChatFlags flags, bool json) {
  const bool interactive = isatty(STDIN_FILENO) != 0 && !json;
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  if (!loaded.model->tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);
  SW_ASSIGN(ChatPrompt prompt, ChatPrompt::create(*loaded.model->tokenizer));
  const int context = loaded.model->spec.context;
  SW_ASSIGN(Session session,
            Session::create(*loaded.model, *loaded.pool,
                            {.max_tokens = flags.model.context > 0 ? context : std::min(context, default_context),
                             .kv_type = flags.model.kv_type}));
  Conversation conversation(std::move(prompt), flags.system);
  if (interactive)
    fmt::print(stderr, "{}, loaded in {:.0f} ms. /reset forgets, /stats shows the times, /exit ends.\n\n",
               flags.model.model, loaded.load_ms);

  nlohmann::ordered_json turns = nlohmann::ordered_json::array();
  std::string line, stats = "  Nothing was said yet.\n";
  while (read_line(interactive, line)) {
    if (line == "/exit" || line == "/quit") break;
    if (line == "/reset") {
      conversation.reset();
      session.reset();
      continue;
    }
    if (line == "/stats") {
      fmt::print(stderr, "{}", stats);
      continue;
    }
    if (line.empty()) continue;

    auto tokens = conversation.ask(line);
    if (!tokens) return std::unexpected(std::move(tokens).error());
    flags.generation.cancel = &catch_interrupt();
    auto reply = session.generate(*tokens, flags.generation, [json](std::string_view text) {
      if (json) return;
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    });
    if (!reply) {
      if (!interactive) return std::unexpected(std::move(reply).error());
      conversation.retract();
      fmt::print(stderr, "{}\n/reset starts a new conversation.\n\n", reply.error().message());
      continue;
    }
    conversation.answer(*reply);
    if (!json) std::fputs(interactive ? "\n\n" : "\n", stdout);
    std::fflush(stdout);
    stats = generation_summary(*reply, -1);
    auto turn = generation_json(*reply, loaded.load_ms, flags.generation.sampling.top_logprobs >= 0);
    turn["cached_tokens"] = reply->cached_tokens;
    turns.push_back(std::move(turn));
  }
  return Report{{{"turns", turns}}, ""};
}

}  // namespace

void add_chat_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ChatFlags>();
  flags->generation.max_tokens = 512;
  CLI::App* command = app.add_subcommand("chat", "Talk; what was said stays in the sequence and is not computed again");
  add_model_flags(*command, flags->model);
  command->add_option("--system", flags->system, "The system message");
  add_generation_flags(*command, flags->generation);
  command->footer(
      "In the chat: /reset forgets, /stats shows the times of the last turn, /exit ends; Ctrl-C ends a reply.\n"
      "\n"
      "Examples:\n"
      "  speedwins chat demo\n"
      "  printf 'What is prefill?\\nAnd decode?\\n' | speedwins chat demo");
  on_command(*command, context, [flags, &context] { return chat(*flags, context.json); });
}

}  // namespace sw
