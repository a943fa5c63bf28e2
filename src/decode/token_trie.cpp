#include "decode/token_trie.hpp"

#include <algorithm>
#include <string_view>

namespace sw {
namespace {

constexpr std::size_t longest_piece = 4096;  // tokens beyond it are not offered; no vocabulary has any

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  mask_words_ = (static_cast<std::size_t>(tokenizer.vocab_size()) + 63) / 64;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::size_t size = tokenizer.piece(id).size();
    if (size > 0 && size <= longest_piece && !tokenizer.is_special(id)) tokens_.push_back(id);
  }
  std::sort(tokens_.begin(), tokens_.end(), [&](TokenId a, TokenId b) {
    const int order = tokenizer.piece(a).compare(tokenizer.piece(b));
    return order != 0 ? order < 0 : a < b;
  });

  std::string_view previous;
  std::vector<std::uint32_t> path;  // the open nodes from the root down
  const auto close_to = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) nodes_[path.back()].end = static_cast<std::uint32_t>(nodes_.size());
  };
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view piece = tokenizer.piece(tokens_[i]);
    if (piece == previous) continue;  // one more token of the last node
    close_to(common_prefix(previous, piece));
    while (path.size() < piece.size()) {
      const std::size_t depth = path.size();
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      // Nodes on the way have no tokens: an empty range that begins where the last node's begins.
      nodes_.push_back({0, static_cast<std::uint32_t>(i), static_cast<std::uint16_t>(depth),
                        static_cast<unsigned char>(piece[depth])});
    }
    height_ = std::max(height_, piece.size());
    previous = piece;
  }
  close_to(0);
  nodes_.push_back({0, static_cast<std::uint32_t>(tokens_.size()), 0, 0});
}

}  // namespace sw
