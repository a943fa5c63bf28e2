#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace sw {

/// One line on standard error that says how far a command has come: redrawn a few times a second on a terminal, left
/// out elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();  ///< clears the line
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(std::string_view text);
  /// Replaces the line by one that stays, also where there is no terminal.
  void finish(std::string_view text);

 private:
  void clear();

  bool is_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace sw
