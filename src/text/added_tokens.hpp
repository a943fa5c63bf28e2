#pragma once

#include <bitset>
#include <span>
#include <string_view>
#include <vector>

#include "text/byte_trie.hpp"
#include "text/tokenizer_spec.hpp"

namespace sw {

/// Finds the tokens that are recognised by their text before anything else happens to it: leftmost first, the longest
/// of those that start together.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Segment {
    std::size_t begin = 0, end = 0;
    TokenId id = -1;  ///< -1: text
  };
  /// Covers `text` but for the white space that a token strips. The bytes at `literal` (ascending offsets) are part of
  /// no special token.
  std::vector<Segment> split(std::string_view text, std::span<const std::size_t> literal = {}) const;
  bool empty() const { return tokens_.empty(); }

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie contents_;  // → index into tokens_
  std::bitset<256> first_bytes_;
};

}  // namespace sw
