#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace sw {

/// A few lines on standard error that are redrawn while a command runs: on a terminal only.
class LiveView {
 public:
  LiveView();
  ~LiveView();  ///< clears the lines
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  /// Lines longer than the terminal are cut.
  void show(const std::vector<std::string>& lines);

 private:
  void clear();

  bool is_terminal_;
  std::size_t drawn_ = 0;
};

}  // namespace sw
