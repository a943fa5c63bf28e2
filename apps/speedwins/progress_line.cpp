#include "progress_line.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

namespace sw {
namespace {

constexpr std::chrono::milliseconds redraw_interval(200);
constexpr const char* clear_line = "\r\x1b[K";

}  // namespace

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::clear() {
  if (drawn_) std::fputs(clear_line, stderr);
  drawn_ = false;
}

void ProgressLine::show(std::string_view text) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - last_ < redraw_interval) return;
  last_ = now;
  drawn_ = true;
  fmt::print(stderr, "{}{}", clear_line, text);
  std::fflush(stderr);
}

void ProgressLine::finish(std::string_view text) {
  clear();
  fmt::print(stderr, "{}\n", text);
}

}  // namespace sw
