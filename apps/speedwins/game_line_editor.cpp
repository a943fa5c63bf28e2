#include "game_line_editor.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace sw {
namespace {

constexpr std::size_t longest_line = 1000;
constexpr int escape_wait_ms = 30;  ///< after which a lone Escape is one

volatile std::sig_atomic_t resized = 0;

/// Keys come one by one and are not echoed, as long as it lives.
class RawMode {
 public:
  RawMode() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO | ISIG | IEXTEN));
    raw.c_iflag &= static_cast<tcflag_t>(~(IXON | ICRNL));
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    struct sigaction action {};
    action.sa_handler = [](int) { resized = 1; };
    ::sigaction(SIGWINCH, &action, &old_action_);
  }
  ~RawMode() {
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    ::sigaction(SIGWINCH, &old_action_, nullptr);
  }
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  termios before_{};
  struct sigaction old_action_ {};
};

void write_out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// −1: the end. −2: the terminal was resized while waiting.
int read_byte() {
  unsigned char byte = 0;
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
    if (n == 1) return byte;
    if (n < 0 && errno == EINTR) {
      if (resized) {
        resized = 0;
        return -2;
      }
      continue;
    }
    return -1;
  }
}

bool more_within(int ms) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, ms) > 0;
}

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

LineEditor::LineEditor(const TextStyle& style, Suggest suggest) : style_(style), suggest_(std::move(suggest)) {}

bool LineEditor::works() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO) && term && std::string_view(term) != "dumb" && *term;
}

int LineEditor::terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

LineEditor::Press LineEditor::escape_sequence() const {
  if (!more_within(escape_wait_ms)) return {Key::escape, {}};
  const int kind = read_byte();
  if (kind != '[' && kind != 'O') return {};
  std::string code;
  while (code.size() < 16) {
    const int byte = read_byte();
    if (byte < 0) return {};
    code += static_cast<char>(byte);
    if (byte >= 0x40 && byte <= 0x7e) break;
  }
  constexpr struct {
    std::string_view code;
    Key key;
  } known[] = {{"A", Key::up},   {"B", Key::down}, {"C", Key::right},   {"D", Key::left},
               {"H", Key::home}, {"F", Key::end},  {"1~", Key::home},   {"7~", Key::home},
               {"4~", Key::end}, {"8~", Key::end}, {"3~", Key::remove}, {"Z", Key::up}};
  for (const auto& entry : known)
    if (entry.code == code) return {entry.key, {}};
  return {};
}

LineEditor::Press LineEditor::next_key() const {
  const int byte = read_byte();
  switch (byte) {
    case -1:
      return {Key::end_of_input, {}};
    case -2:
      return {};
    case 1:
      return {Key::home, {}};
    case 2:
      return {Key::left, {}};
    case 3:
      return {line_.empty() ? Key::end_of_input : Key::clear_line, {}};
    case 4:
      return {line_.empty() ? Key::end_of_input : Key::remove, {}};
    case 5:
      return {Key::end, {}};
    case 6:
      return {Key::right, {}};
    case 8:
    case 127:
      return {Key::backspace, {}};
    case 9:
      return {Key::tab, {}};
    case 10:
    case 13:
      return {Key::enter, {}};
    case 11:
      return {Key::kill_after, {}};
    case 12:
      return {Key::clear_screen, {}};
    case 14:
      return {Key::down, {}};
    case 16:
      return {Key::up, {}};
    case 21:
      return {Key::kill_before, {}};
    case 23:
      return {Key::word_back, {}};
    case 27:
      return escape_sequence();
    default:
      break;
  }
  if (byte < 0x20) return {};
  std::string text(1, static_cast<char>(byte));
  const int rest = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  for (int i = 0; i < rest; ++i) {
    const int next = read_byte();
    if (next < 0) return {};
    text += static_cast<char>(next);
  }
  return {Key::character, text};
}

void LineEditor::accept(const Suggestion& chosen) {
  line_ = line_.substr(0, shown_.begin) + chosen.text;
  if (chosen.note == "command") line_ += ' ';
  cursor_ = line_.size();
}

void LineEditor::move_selection(int by) {
  const int n = static_cast<int>(shown_.items.size());
  selected_ = selected_ + by < -1 ? n - 1 : selected_ + by >= n ? -1 : selected_ + by;
}

void LineEditor::from_history(int by) {
  if (history_.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(history_.size());
  history_at_ =
      static_cast<std::size_t>(std::clamp(static_cast<std::ptrdiff_t>(history_at_) + by, std::ptrdiff_t{0}, last));
  line_ = history_at_ < history_.size() ? history_[history_at_] : "";
  cursor_ = line_.size();
}

void LineEditor::edit(const Press& press) {
  const auto back = [&](std::size_t from) {
    while (from > 0 && continues(line_[--from])) {
    }
    return from;
  };
  const auto forward = [&](std::size_t from) {
    if (from < line_.size()) ++from;
    while (from < line_.size() && continues(line_[from])) ++from;
    return from;
  };
  switch (press.key) {
    case Key::character:
      if (line_.size() + press.text.size() > longest_line) return;
      line_.insert(cursor_, press.text);
      cursor_ += press.text.size();
      return;
    case Key::left:
      cursor_ = back(cursor_);
      return;
    case Key::right:
      cursor_ = forward(cursor_);
      return;
    case Key::home:
      cursor_ = 0;
      return;
    case Key::end:
      cursor_ = line_.size();
      return;
    case Key::backspace: {
      const std::size_t from = back(cursor_);
      line_.erase(from, cursor_ - from);
      cursor_ = from;
      return;
    }
    case Key::remove:
      line_.erase(cursor_, forward(cursor_) - cursor_);
      return;
    case Key::word_back: {
      std::size_t from = cursor_;
      while (from > 0 && line_[from - 1] == ' ') --from;
      while (from > 0 && line_[from - 1] != ' ') --from;
      line_.erase(from, cursor_ - from);
      cursor_ = from;
      return;
    }
    case Key::kill_before:
      line_.erase(0, std::exchange(cursor_, 0));
      return;
    case Key::kill_after:
      line_.erase(cursor_);
      return;
    case Key::escape:  // the first one closes the suggestions
      if (!shown_.items.empty()) return;
      [[fallthrough]];
    case Key::clear_line:
      line_.clear();
      cursor_ = 0;
      return;
    case Key::clear_screen:
      write_out("\x1b[2J\x1b[H");
      return;
    default:
      return;
  }
}

/// Redraws the line where it stands and the suggestions below it, and comes back to the cursor. A line that is wider
/// than the terminal is shown around the cursor.
void LineEditor::draw() {
  const int width = std::max(20, terminal_width());
  const int prompt_columns = columns_of(prompt_);
  std::string_view line = line_;
  std::size_t cursor = cursor_;
  while (prompt_columns + columns_of(line.substr(0, cursor)) >= width - 1) {
    std::size_t drop = 1;
    while (drop < line.size() && continues(line[drop])) ++drop;
    line.remove_prefix(drop);
    cursor -= std::min(cursor, drop);
  }
  std::string out = "\r\x1b[J" + prompt_ + shortened(line, width - prompt_columns - 1);
  int below = 0;
  for (std::size_t i = 0; i < shown_.items.size(); ++i) {
    const Suggestion& item = shown_.items[i];
    std::string text;
    std::size_t at = 0;
    for (const auto& [begin, end] : item.ranges) {
      text += item.text.substr(at, begin - at) + style_.good(item.text.substr(begin, end - begin));
      at = end;
    }
    text += item.text.substr(at);
    const bool chosen = static_cast<int>(i) == selected_;
    const int room = width - 6 - columns_of(item.text) - 2;
    out += fmt::format("\r\n  {} {}", chosen ? style_.warm("›") : " ",
                       columns_of(item.text) > width - 6 ? shortened(item.text, width - 6) : text);
    if (room > 8) out += "  " + style_.dim(shortened(item.note, room));
    ++below;
  }
  if (below > 0) out += fmt::format("\x1b[{}A", below);
  out += '\r';
  if (const int column = prompt_columns + columns_of(line.substr(0, cursor))) out += fmt::format("\x1b[{}C", column);
  write_out(style_.finish(out));
}

void LineEditor::leave() {
  shown_ = {};
  selected_ = -1;
  cursor_ = line_.size();
  draw();
  write_out("\n");
}

std::optional<std::string> LineEditor::read(std::string_view prompt) {
  const RawMode raw;
  prompt_ = prompt;
  line_.clear();
  cursor_ = 0;
  history_at_ = history_.size();
  shown_ = {};
  selected_ = -1;
  while (true) {
    draw();
    const Press press = next_key();
    if (press.key == Key::ignored) continue;
    if (press.key == Key::end_of_input) {
      leave();
      return std::nullopt;
    }
    if (press.key == Key::enter) {
      if (selected_ >= 0) accept(shown_.items[static_cast<std::size_t>(selected_)]);
      leave();
      if (!line_.empty() && (history_.empty() || history_.back() != line_)) history_.push_back(line_);
      return line_;
    }
    const bool open = !shown_.items.empty();
    if (press.key == Key::tab || (press.key == Key::right && cursor_ == line_.size() && selected_ >= 0)) {
      if (open) accept(shown_.items[static_cast<std::size_t>(std::max(selected_, 0))]);
    } else if (press.key == Key::up || press.key == Key::down) {
      const int by = press.key == Key::up ? -1 : 1;
      if (open && history_at_ == history_.size()) {
        move_selection(by);
        continue;
      }
      from_history(by);
      continue;  // what comes from history is shown as it was, without suggestions
    } else {
      edit(press);
      history_at_ = history_.size();
    }
    selected_ = -1;
    shown_ = line_.empty() || press.key == Key::tab || press.key == Key::escape ? Suggestions{} : suggest_(line_);
  }
}

}  // namespace sw
