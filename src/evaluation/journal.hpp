#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// What a long evaluation has found so far, on disk after every step, so that it can go on where it was interrupted:
/// a text file with a line that says what it belongs to, then one line of numbers per step.
class Journal {
 public:
  /// Opens the journal of `key`, any one-line description of the evaluation. With `resume`, steps of an earlier run
  /// with the same key are kept; otherwise it begins empty. A last line that was cut short is forgotten.
  static Result<Journal> open(const std::filesystem::path& path, std::string_view key, bool resume);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  const std::map<std::int64_t, std::vector<double>>& steps() const { return steps_; }
  Status add(std::int64_t step, const std::vector<double>& values);
  /// The evaluation is complete: nothing is left to go on with.
  void remove();

 private:
  Journal() = default;
  std::filesystem::path path_;
  int fd_ = -1;
  std::map<std::int64_t, std::vector<double>> steps_;
};

}  // namespace sw
