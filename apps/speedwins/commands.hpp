#pragma once

#include <functional>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include "base/error.hpp"

namespace sw {

/// What a command hands back: one JSON document for `--json`, text for people otherwise. A command that streams its
/// output as it comes prints it itself (only when !Context::json) and leaves `text` empty.
struct Report {
  nlohmann::ordered_json json;
  std::string text;
  std::optional<Error> error = {};  ///< of what followed the results: said on stderr, exit code 1
  int exit_code = 0;                ///< 1: the results themselves are a failure, such as a regression
};

/// What the commands share with main(): which one was asked for, and how it should answer.
struct Context {
  bool json = false;  ///< stdout holds exactly one JSON document; everything else goes to stderr
  std::function<Result<Report>()> action;
};

/// Makes `action` what happens when `command` is on the command line, and gives the command its `--json`.
void on_command(CLI::App& command, Context& context, std::function<Result<Report>()> action);

/// Each adds one subcommand: its flags, its help and its action. One file per command.
void add_run_command(CLI::App& app, Context& context);
void add_chat_command(CLI::App& app, Context& context);
void add_bench_command(CLI::App& app, Context& context);
void add_machine_command(CLI::App& app, Context& context);
void add_profile_command(CLI::App& app, Context& context);
void add_eval_command(CLI::App& app, Context& context);
void add_serve_command(CLI::App& app, Context& context);
void add_loadtest_command(CLI::App& app, Context& context);
void add_baseline_command(CLI::App& app, Context& context);
void add_ab_command(CLI::App& app, Context& context);
void add_history_command(CLI::App& app, Context& context);
void add_regress_command(CLI::App& app, Context& context);
void add_tokenize_command(CLI::App& app, Context& context);
void add_inspect_command(CLI::App& app, Context& context);
void add_convert_command(CLI::App& app, Context& context);
void add_quantize_command(CLI::App& app, Context& context);
void add_synth_command(CLI::App& app, Context& context);
void add_corpus_command(CLI::App& app, Context& context);
void add_answer_command(CLI::App& app, Context& context);
void add_train_command(CLI::App& app, Context& context);
void add_distill_command(CLI::App& app, Context& context);
void add_pull_command(CLI::App& app, Context& context);
void add_game_command(CLI::App& app, Context& context);

}  // namespace sw
