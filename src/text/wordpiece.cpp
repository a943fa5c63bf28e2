// WordPiece (Wu et al. 2016) as BERT uses it: the longest token that starts the word, then the longest that continues
// it, and so on; a word that cannot be covered is unknown. A token that starts a word is stored with a space in front.

#include "text/byte_trie.hpp"
#include "text/subword_model.hpp"

namespace sw {
namespace {

class WordPiece final : public SubwordModel {
 public:
  explicit WordPiece(const TokenizerSpec& spec) : spec_(spec) {
    for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
      if (spec.vocabulary.type(id) == TokenType::normal) tokens_.insert(spec.vocabulary.piece(id), id);
    }
    start_of_word_ = tokens_.step(0, ' ');
  }

  void encode(std::string_view word, std::vector<TokenId>& out) const override {
    const std::size_t first = out.size();
    std::size_t n_characters = 0;
    for (std::size_t i = 0; i < word.size(); i += unicode::decode(word, i).size) ++n_characters;

    bool covered = n_characters <= spec_.max_word_chars;
    for (std::size_t begin = 0; covered && begin < word.size();) {
      std::uint32_t node = begin == 0 ? start_of_word_ : 0;
      TokenId longest = -1;
      std::size_t longest_end = begin;
      for (std::size_t end = begin; node != ByteTrie::no_node && end < word.size();) {
        node = tokens_.step(node, static_cast<unsigned char>(word[end++]));
        if (node == ByteTrie::no_node || tokens_.value(node) < 0) continue;
        longest = tokens_.value(node);
        longest_end = end;
      }
      covered = longest >= 0;
      if (covered) out.push_back(longest);
      begin = longest_end;
    }
    if (covered) return;
    out.resize(first);
    if (spec_.unknown) out.push_back(*spec_.unknown);
  }

 private:
  const TokenizerSpec& spec_;
  ByteTrie tokens_;
  std::uint32_t start_of_word_ = ByteTrie::no_node;
};

}  // namespace

Result<std::unique_ptr<SubwordModel>> make_wordpiece(const TokenizerSpec& spec) {
  return std::make_unique<WordPiece>(spec);
}

}  // namespace sw
