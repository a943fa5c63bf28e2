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

  /// Appends every non-empty match inside `text`, from left to right. `text` may hold invalid UTF-8, whose bytes match
  /// as control characters. Deep backtracking takes memory, never a failure that depends on the text's length.
  Status find_all(std::string_view text, std::vector<Span>& matches) const;

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

 private:
  struct Code;
  explicit Regex(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

}  // namespace sw
