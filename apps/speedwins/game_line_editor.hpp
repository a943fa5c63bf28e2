#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "game_session.hpp"

namespace sw {

/// Reads lines on a terminal, with suggestions below the line that follow each key. Emacs keys, history with the
/// arrows, Tab or Right takes a suggestion, Ctrl-C clears the line; on an empty one it and Ctrl-D end.
class LineEditor {
 public:
  using Suggest = std::function<Suggestions(std::string_view line)>;
  LineEditor(const TextStyle& style, Suggest suggest);

  /// Whether this terminal can be driven; else read lines as from a pipe.
  static bool works();
  /// Columns of the terminal, 80 where it does not say.
  static int terminal_width();

  /// One line without its break; none: the end.
  std::optional<std::string> read(std::string_view prompt);

 private:
  enum class Key {
    character,
    enter,
    tab,
    up,
    down,
    left,
    right,
    home,
    end,
    backspace,
    remove,
    word_back,
    kill_before,
    kill_after,
    clear_line,
    escape,
    clear_screen,
    end_of_input,
    ignored
  };
  struct Press {
    Key key = Key::ignored;
    std::string text;
  };
  Press next_key() const;
  Press escape_sequence() const;
  void edit(const Press& press);
  void move_selection(int by);
  void accept(const Suggestion& chosen);
  void from_history(int by);
  void draw();
  void leave();

  const TextStyle& style_;
  const Suggest suggest_;
  std::vector<std::string> history_;
  std::size_t history_at_ = 0;

  std::string prompt_, line_;
  std::size_t cursor_ = 0;  ///< byte
  Suggestions shown_;
  int selected_ = -1;  ///< of `shown_`; −1: the line as it is typed
};

}  // namespace sw
