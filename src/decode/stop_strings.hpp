#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sw {

/// Finds stop strings in streamed text and holds back text that may yet become one. What is shown does not depend on
/// how the text was cut into pushes: it ends before the stop string that is complete first, the longest if several are
/// complete at the same byte.
class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops);  ///< empty ones are ignored

  /// The text that can be shown now. After stopped() it is empty.
  std::string push(std::string_view text);
  /// What was held back, at the end of the stream.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace sw
