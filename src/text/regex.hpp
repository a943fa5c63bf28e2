#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace sw {

struct Span {
  std::size_t begin = 0, end = 0;
};

/// A regular expression as tokenizer.json writes them (Oniguruma's syntax where it is common ground), compiled.
class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

 private:
  friend class RegexMatcher;
  struct Code;
  explicit Regex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

/// Matches one Regex, which must outlive it, against many texts; holds the memory that takes. For one thread.
class RegexMatcher {
 public:
  explicit RegexMatcher(const Regex& regex);
  ~RegexMatcher();

  /// Appends every non-empty match inside `text`, from left to right. `text` may hold invalid UTF-8, whose bytes match
  /// as control characters. Backtracking is bounded in proportion to the text, beyond which the result is an Error.
  Status find_all(std::string_view text, std::vector<Span>& matches);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sw
