#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "commands.hpp"

namespace sw {
namespace {

enum ExitCode { done = 0, failed = 1, wrong_use = 2 };

constexpr const char* description =
    "Speed Wins: runs language models with the lowest latency this machine allows,\n"
    "and measures every claim it makes about that.";

constexpr const char* footer =
    "MODEL is a GGUF file, a Hugging Face folder, a name fetched with `pull`, or built in:\n"
    "`demo`, `demo-small` (a fifth of it), `demo-draft` (a twentieth, which guesses what demo says).\n"
    "\n"
    "First steps:\n"
    "  speedwins run demo -p \"How can I make the first token come faster?\"   answer one question\n"
    "  speedwins chat demo                                    talk\n"
    "  speedwins bench demo                                   measure this machine\n"
    "  speedwins COMMAND --help                               flags and examples of a command\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong use. With --json, stdout is one JSON document.";

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!written) std::fputs("speedwins: cannot write the output\n", stderr);
  return written ? done : failed;
}

int report_error(const Error& error, bool json, int code) {
  if (json) {
    nlohmann::ordered_json fields{{"what", error.what}};
    if (!error.where.empty()) fields["where"] = error.where;
    if (!error.expected.empty()) fields["expected"] = error.expected;
    if (!error.next.empty()) fields["next"] = error.next;
    print(dump({{"error", fields}}));
  } else {
    std::fflush(stdout);
    fmt::print(stderr, "speedwins: {}\n", error.message());
  }
  return code;
}

int run_action(const Context& context) {
  try {
    const auto report = context.action();
    if (!report) return report_error(report.error(), context.json, failed);
    const int printed = print(context.json ? dump(report->json) : report->text);
    if (report->error) return report_error(*report->error, false, failed);
    return printed == done ? report->exit_code : printed;
  } catch (const std::bad_alloc&) {
    return report_error({"not enough memory", {}, {}, "Use a smaller model or a smaller --ctx"}, context.json, failed);
  } catch (const std::exception& exception) {
    return report_error({exception.what(), {}, {}, {}}, context.json, failed);
  }
}

/// What CLI11 calls a missing subcommand is most often a misspelt one.
std::string explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (argc < 2) return "no command given";
  const std::string_view first = argv[1];
  if (!first.starts_with('-') &&
      app.get_subcommands([first](const CLI::App* command) { return command->get_name() == first; }).empty())
    return fmt::format("there is no command '{}'", first);
  return error.what();
}

bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

int main(int argc, char** argv) {
  CLI::App app(description, "speedwins");
  app.footer(footer);
  app.set_version_flag("--version", "speedwins " SPEEDWINS_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()); });

  Context context;
  add_run_command(app, context);
  add_chat_command(app, context);
  add_serve_command(app, context);
  add_bench_command(app, context);
  add_machine_command(app, context);
  add_profile_command(app, context);
  add_eval_command(app, context);
  add_ab_command(app, context);
  add_regress_command(app, context);
  add_history_command(app, context);
  add_loadtest_command(app, context);
  add_baseline_command(app, context);
  add_tokenize_command(app, context);
  add_pull_command(app, context);
  add_game_command(app, context);
  add_inspect_command(app, context);
  add_convert_command(app, context);
  add_quantize_command(app, context);
  add_synth_command(app, context);
  add_corpus_command(app, context);
  add_answer_command(app, context);
  add_train_command(app, context);
  add_distill_command(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string command = chosen.empty() ? "" : " " + chosen.front()->get_name();
    return report_error({explain(app, error, argc, argv), {}, {}, fmt::format("Try: speedwins{} --help", command)},
                        asks_for_json(argc, argv), wrong_use);
  }
  return run_action(context);
}

}  // namespace

void on_command(CLI::App& command, Context& context, std::function<Result<Report>()> action) {
  command.add_flag("--json", context.json, "Print one JSON document on stdout");
  command.callback([&context, action = std::move(action)] { context.action = action; });
}

}  // namespace sw

int main(int argc, char** argv) {
  return sw::main(argc, argv);
}
