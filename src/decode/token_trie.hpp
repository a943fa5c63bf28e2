#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.hpp"

namespace sw {

/// All tokens that stand for text, as a tree of their bytes in preorder: a walk that leaves out a subtree jumps to its
/// end. Special tokens and tokens without bytes are not in it.
class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);

  struct Node {
    std::uint32_t end;          ///< of the subtree: the index after its last node
    std::uint32_t first_token;  ///< its tokens are [first_token, next node's first_token)
    std::uint16_t depth;        ///< of its byte, from 0
    unsigned char byte;
  };
  std::span<const Node> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
  std::span<const TokenId> tokens_at(std::size_t node) const {
    return std::span(tokens_).subspan(nodes_[node].first_token,
                                      nodes_[node + 1].first_token - nodes_[node].first_token);
  }
  /// Of the deepest node, plus one.
  std::size_t height() const { return height_; }
  /// 64-bit words of a mask over the vocabulary.
  std::size_t mask_words() const { return mask_words_; }

 private:
  std::vector<Node> nodes_;  // and one behind the last
  std::vector<TokenId> tokens_;
  std::size_t height_ = 0, mask_words_ = 0;
};

}  // namespace sw
