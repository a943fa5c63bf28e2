#include "live_view.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace sw {
namespace {

std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

/// The first `width` characters: a longer line would wrap, and the next redraw would begin too low.
std::string cut(const std::string& line, std::size_t width) {
  std::size_t characters = 0, end = 0;
  for (; end < line.size(); ++end) {
    const bool continues = (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80;
    if (!continues && characters++ == width) break;
  }
  return line.substr(0, end);
}

}  // namespace

LiveView::LiveView() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

LiveView::~LiveView() {
  clear();
  std::fflush(stderr);
}

void LiveView::clear() {
  if (drawn_ > 0) std::fputs("\r\x1b[2K", stderr);  // what a terminal shows of keys pressed, such as ^C
  for (; drawn_ > 0; --drawn_) std::fputs("\x1b[1A\x1b[2K", stderr);
}

void LiveView::show(const std::vector<std::string>& lines) {
  if (!is_terminal_) return;
  clear();
  const std::size_t width = terminal_width();
  for (const std::string& line : lines) fmt::print(stderr, "{}\n", cut(line, width));
  drawn_ = lines.size();
  std::fflush(stderr);
}

}  // namespace sw
