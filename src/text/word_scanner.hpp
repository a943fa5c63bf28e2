#pragma once

#include <cstddef>
#include <string_view>

namespace sw {

/// The two shapes of word pattern that most byte-level tokenizers use, scanned by hand: several times faster than a
/// regex engine, and linear on every input.
struct WordScanner {
  enum class Shape { gpt2, cl100k };
  Shape shape;
  std::size_t max_digits;  ///< cl100k: digits per piece (GPT-4 and Llama 3: 3; Qwen: 1)
  bool marks_are_letters;  ///< cl100k: combining marks belong to words (Qwen 3.5)

  /// The scanner that splits exactly as `pattern` does, or null.
  static const WordScanner* for_pattern(std::string_view pattern);

  /// The end of the piece that starts at `begin` < text.size().
  std::size_t next(std::string_view text, std::size_t begin) const;
};

}  // namespace sw
