#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/regex.hpp"
#include "text/tokenizer_spec.hpp"
#include "text/word_scanner.hpp"

namespace sw {

/// Cuts text into the pieces between which no token reaches.
class PreTokenizer {
 public:
  static Result<PreTokenizer> compile(const std::vector<PreTokenizerStep>& steps);

  /// A text and its pieces. `text` views the caller's text, or `owned` where a step had to rewrite it.
  struct Pieces {
    std::string_view text;
    std::vector<Span> spans;
    std::string owned;
  };
  /// `at_start`: the text begins the whole input. The result is filled in place, so that its memory is reused.
  Status split(std::string_view text, bool at_start, Pieces& pieces) const;

 private:
  struct Step {
    PreTokenizerStep spec;
    const WordScanner* scanner = nullptr;
    std::vector<Regex> regex = {};  ///< one where the step has a pattern without a scanner
  };

  std::vector<Step> steps_;
};

}  // namespace sw
