#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "game/challenge.hpp"
#include "game/content.hpp"
#include "game/documents.hpp"
#include "game/players.hpp"
#include "game/sandbox.hpp"
#include "game_text.hpp"

namespace sw {

/// What a line that was typed has brought.
struct Turn {
  bool ok = true;  ///< false: `text` says what was wrong
  bool quit = false;
  std::string text;             ///< for people
  nlohmann::ordered_json json;  ///< for programs: {"ok", and "events" or what was asked for, or "error"}
};

/// What could stand in place of what is being typed.
struct Suggestion {
  std::string text, note;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  ///< of bytes of `text` that were typed
};
struct Suggestions {
  std::size_t begin = 0;  ///< byte of the line from which on they would replace it
  std::vector<Suggestion> items;
};

/// The game as one player types it, a line at a time. Knows nothing of terminals.
class GameSession {
 public:
  GameSession(const game::Content& content, game::Players& players, std::vector<game::Document> documents,
              game::Seat seat, TextStyle& style);

  std::string welcome();
  std::string status();
  Turn play(std::string_view line);
  Suggestions suggest(std::string_view line);
  /// The state as the HTTP interface shows it.
  Result<nlohmann::ordered_json> state_json();

  /// What `imagine` asks about a combination that yields nothing. Unset: it says how to have a model.
  using Imagine = std::function<Result<game::Speculation>(const game::Ingredients& ingredients)>;
  void set_sandbox(Imagine imagine) { imagine_ = std::move(imagine); }

  /// Runs what a challenge measures. Unset: challenges are only shown.
  void set_program(game::RunProgram run) { run_program_ = std::move(run); }

 private:
  struct Command;
  static const std::vector<Command>& commands();

  Turn act(const game::Action& action);
  Turn combine(std::string_view line);
  Turn choose(int choice);
  Turn imagine(std::string_view rest);
  Turn measure(std::string_view rest);
  Turn take(game::ConceptIndex idea, double prediction);
  Turn show_concept(std::string_view name);

  Turn quiz(std::string_view rest);
  Turn read(std::string_view rest);
  Turn hint(std::string_view rest);
  Turn way(std::string_view rest);
  Turn list(std::string_view rest);
  Turn search(std::string_view rest);
  Turn paths(std::string_view rest);
  Turn save(std::string_view rest);
  Turn load(std::string_view rest);
  Turn slots();
  Turn begin(std::string_view rest);
  Turn remove(std::string_view rest);
  Turn export_file(std::string_view rest);
  Turn import_file(std::string_view rest);
  Turn share();
  Turn redeem(std::string_view rest);

  /// The known concept that is meant; else an Error that says what was not understood.
  Result<game::ConceptIndex> known(std::string_view typed) const;
  /// Any concept, found or not.
  Result<game::ConceptIndex> any(std::string_view typed) const;
  /// "A + B" of what was found.
  Result<game::Ingredients> ingredients_of(std::string_view typed) const;
  Result<std::optional<game::ConceptIndex>> target_of(std::string_view typed) const;
  void mark_tried(std::string_view before, Suggestions& suggestions) const;
  Turn page(std::string text, nlohmann::ordered_json json = nlohmann::ordered_json::object()) const;
  Turn failed(const Error& error) const;
  Status refresh();

  const game::Content& content_;
  game::Players& players_;
  const std::vector<game::Document> documents_;
  game::Seat seat_;
  TextStyle& style_;
  game::State state_;  ///< as it was after the last line
  /// A combination whose prediction is being chosen.
  std::optional<game::Ingredients> pending_;
  std::vector<game::ConceptIndex> choices_;
  /// A challenge whose prediction is awaited.
  std::optional<game::ConceptIndex> challenge_;
  Imagine imagine_;
  game::RunProgram run_program_;
};

}  // namespace sw
