#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "commands.hpp"
#include "game/documents.hpp"
#include "game/embedded_content.hpp"
#include "game/player_cookie.hpp"
#include "game/players.hpp"
#include "game/store.hpp"
#include "game/views.hpp"
#include "game_line_editor.hpp"
#include "game_plot.hpp"
#include "game_sandbox.hpp"
#include "game_session.hpp"
#include "game_store.hpp"
#include "game_text.hpp"
#include "interrupt.hpp"
#include "progress_line.hpp"
#include "run_self.hpp"

namespace sw {
namespace {

constexpr const char* local_player = "local";
constexpr std::uint64_t largest_script = 4u << 20;

struct GameFlags {
  std::string store, slot, script, sandbox;
  bool no_colour = false, ascii = false;
  int width = 0;  ///< 0: the terminal's
  int attempts = 2000, seeds = 15;
};

TextStyle style_of(const GameFlags& flags) {
  const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  return {.colour = terminal && !flags.no_colour && !(no_colour && *no_colour),
          .ascii = flags.ascii,
          .width = flags.width > 0 ? flags.width
                   : terminal      ? std::clamp(LineEditor::terminal_width(), 40, 110)
                                   : 80};
}

/// Everything a game needs, in the order in which it is made.
struct Table {
  std::unique_ptr<game::Content> content;
  std::unique_ptr<game::Store> store;
  std::unique_ptr<game::Players> players;
};

Result<Table> set_up(const GameFlags& flags) {
  Table table;
  SW_ASSIGN(game::Content content, game::parse_content(game::embedded_content()));
  table.content = std::make_unique<game::Content>(std::move(content));
  std::string setting = flags.store;
  if (setting.empty()) {
    // A script plays a game of its own, so that it gives the same answers each time.
    if (!flags.script.empty() && flags.slot.empty()) {
      setting = ":memory:";
    } else {
      SW_ASSIGN(setting, default_game_store());
    }
  }
  SW_ASSIGN(auto database, game::open_database(setting));
  SW_ASSIGN(table.store, game::Store::open(std::move(database)));
  const auto clock = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const bool scripted = !flags.script.empty();
  const auto seed = [scripted] {
    const auto id = game::random_id();
    return scripted || !id ? std::uint64_t{1} : std::stoull(id->substr(0, 12), nullptr, 16);
  };
  table.players = std::make_unique<game::Players>(*table.content, *table.store, clock, seed);
  return table;
}

/// Measures for a challenge. Ctrl-C ends it, and not the game.
Result<nlohmann::json> run_here(const std::vector<std::string>& arguments) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  auto document = run_self(arguments, [&](double seconds) {
    progress.show(fmt::format("Measuring… {:.0f} s (Ctrl-C stops it)", seconds));
    return !stop;
  });
  release_interrupt();
  return document;
}

Result<Report> run_script(const GameFlags& flags, GameSession& session, const TextStyle& style) {
  std::string text;
  if (flags.script == "-") {
    for (std::string line; text.size() < largest_script && std::getline(std::cin, line);) text += line + '\n';
  } else {
    SW_ASSIGN(text, read_text_file(flags.script, largest_script));
  }
  Report report;
  report.json["turns"] = nlohmann::ordered_json::array();
  (void)session.welcome();  // reads the saved game, where there is one
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line.starts_with('#')) continue;
    const Turn turn = session.play(line);
    nlohmann::ordered_json entry{{"line", line}};
    entry.update(turn.json);
    report.json["turns"].push_back(std::move(entry));
    report.text += fmt::format("› {}\n{}", line, turn.text);
    if (turn.quit) break;
  }
  SW_ASSIGN(report.json["state"], session.state_json());
  report.text = style.finish(report.text + session.status() + '\n');
  return report;
}

/// One line after the other, on a terminal with suggestions, else as they come.
Result<Report> play(const GameFlags& flags, bool json) {
  SW_ASSIGN(const Table table, set_up(flags));
  TextStyle style = style_of(flags);
  const std::string slot = flags.slot.empty() ? "main" : flags.slot;
  if (!game::is_slot_name(slot)) return fail("the slot is no name", "--slot", "1 to 32 letters, digits, '-' or '_'");
  GameSession session(*table.content, *table.players, game::documents(game::embedded_content()), {local_player, slot},
                      style);
  if (!flags.sandbox.empty())
    session.set_sandbox([&table, ask = local_model(flags.sandbox)](const game::Ingredients& ingredients) {
      return game::speculate(*table.content, *table.store, ask, ingredients);
    });
  session.set_program(run_here);
  if (!flags.script.empty()) return run_script(flags, session, style);
  if (json) return fail("--json needs --script", "the flags", "speedwins game --script moves.txt --json");

  const bool terminal = LineEditor::works();
  LineEditor editor(style, [&](std::string_view line) { return session.suggest(line); });
  const auto show = [&](const std::string& text) {
    const std::string out = style.finish(text);
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
  };
  show(session.welcome());
  const auto fit = [&] {
    if (terminal && flags.width == 0) style.width = std::clamp(LineEditor::terminal_width(), 40, 110);
  };
  while (true) {
    fit();
    std::optional<std::string> line;
    if (terminal) {
      show("\n" + session.status() + "\n");
      line = editor.read(style.cool(style.ascii ? "> " : "› "));
    } else if (std::string typed; std::getline(std::cin, typed)) {
      line = std::move(typed);
    }
    if (!line) break;
    fit();  // the window may have changed while the line was typed
    const Turn turn = session.play(*line);
    show(turn.text);
    if (turn.quit) break;
  }
  return Report{};
}

Result<Report> list_concepts() {
  SW_ASSIGN(const game::Content content, game::parse_content(game::embedded_content()));
  Report report{.json = game::views::concept_list(content), .text = {}};
  for (const game::Concept& c : content.concepts)
    report.text += fmt::format("{:<34} {:<22} {}  {} recipes\n", c.id, content.categories[c.category].id, c.difficulty,
                               c.recipes.size());
  return report;
}

Result<Report> plot_curves(const GameFlags& flags) {
  SW_ASSIGN(const game::Content content, game::parse_content(game::embedded_content()));
  return plot_policies(content, style_of(flags), flags.attempts, flags.seeds);
}

}  // namespace

void add_game_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<GameFlags>();
  CLI::App* command = app.add_subcommand("game", "Discover what makes language models fast by combining what you know");
  command->add_option("--slot", flags->slot, "Which saved game (main)");
  command->add_option("--store", flags->store, "Where games are kept: an SQLite file or postgresql://…")
      ->envname("SPEEDWINS_GAME_STORE");
  command->add_option("--script", flags->script,
                      "Play the lines of this file (-: standard input), in a game of their own unless --slot is given");
  command->add_option(
      "--sandbox", flags->sandbox,
      "A model that says what combinations that give nothing could become (demo, a file, a pulled name)");
  command->add_flag("--no-colour,--no-color", flags->no_colour, "No colours (also by NO_COLOR)");
  command->add_flag("--ascii", flags->ascii, "Nothing but ASCII");
  command->add_option("--width", flags->width, "Columns (those of the terminal)")->check(CLI::Range(40, 200));
  command->footer(
      "Examples:\n"
      "  speedwins game\n"
      "  printf 'linear algebra + calculus\\nhint\\n' | speedwins game --script - --json\n"
      "  speedwins game concepts --json     every concept with its recipes\n"
      "  speedwins game plot                how fast players without a person get on");
  command->require_subcommand(0, 1);
  CLI::App* concepts = command->add_subcommand("concepts", "Every concept with its recipes");
  CLI::App* plot = command->add_subcommand("plot", "How fast random, attentive, helped and expert players get on");
  plot->add_option("--attempts", flags->attempts, "Combinations (2000)")->check(CLI::Range(10, 100'000));
  plot->add_option("--seeds", flags->seeds, "Games per player (15)")->check(CLI::Range(1, 1000));
  for (CLI::App* part : {concepts, plot}) part->fallthrough();  // the flags above may follow their names
  on_command(*command, context, [=, &context]() -> Result<Report> {
    if (concepts->parsed()) return list_concepts();
    if (plot->parsed()) return plot_curves(*flags);
    return play(*flags, context.json);
  });
}

}  // namespace sw
