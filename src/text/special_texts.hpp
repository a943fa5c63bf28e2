#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.hpp"
#include "text/tokenizer_spec.hpp"

namespace sw {

/// Finds in a user's text what could be read as a special token, or as a part of one once other text stands around it.
class SpecialTexts {
 public:
  SpecialTexts() = default;
  explicit SpecialTexts(const std::vector<AddedToken>& added);  ///< those of them that are special

  /// Ascending offsets: where a special token's text begins; where the beginning of one ends `text`; and 0 where the
  /// end of one begins `text`. A single word is looked at as a whole only: it may be a role or a type that the text
  /// around it makes a token of, as in "<|" + role + "|>".
  std::vector<std::size_t> find(std::string_view text) const;

 private:
  bool begins_with_an_end(std::string_view text) const;

  ByteTrie contents_;
  std::vector<std::string> ends_;  // every proper suffix of the contents, sorted
  std::size_t longest_ = 0;
};

}  // namespace sw
