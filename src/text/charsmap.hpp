#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// SentencePiece's compiled normalization rules ("precompiled_charsmap"): a double-array trie of prefixes (Yata et al.
/// 2007, Darts' layout) and the zero-terminated strings they are replaced by.
class CharsMap {
 public:
  static Result<CharsMap> parse(std::string_view compiled);

  /// `text` with the longest matching prefix replaced at every position; characters without a rule stay, invalid bytes
  /// become U+FFFD.
  std::string apply(std::string_view text) const;

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace sw
