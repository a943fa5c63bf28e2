// The most probable segmentation under a unigram language model (Kudo 2018), by Viterbi over the bytes of a piece. A
// character that is no token costs 10 more than the worst token, as in SentencePiece.

#include <algorithm>
#include <limits>

#include "text/byte_trie.hpp"
#include "text/subword_model.hpp"

namespace sw {
namespace {

class Unigram final : public SubwordModel {
 public:
  explicit Unigram(const TokenizerSpec& spec) : spec_(spec), bytes_(byte_tokens(spec.vocabulary)) {
    double worst = 0;
    for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
      if (spec.vocabulary.type(id) != TokenType::normal) continue;
      tokens_.insert(spec.vocabulary.piece(id), id);
      worst = std::min(worst, double{spec.vocabulary.score(id)});
    }
    unknown_score_ = worst - 10;
  }

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    struct Best {
      double score = -std::numeric_limits<double>::infinity();
      std::uint32_t begin = 0;  ///< of the last token of the best segmentation that ends here
      TokenId id = -1;          ///< that token, -1 for an unknown character
    };
    std::vector<Best> best(piece.size() + 1);
    best[0].score = 0;
    for (std::size_t begin = 0; begin < piece.size();) {
      const std::size_t character_end = begin + unicode::decode(piece, begin).size;
      const double score = best[begin].score;
      const auto offer = [&](std::size_t end, double candidate, TokenId id) {
        if (candidate > best[end].score) best[end] = {candidate, static_cast<std::uint32_t>(begin), id};
      };
      bool known = false;
      std::uint32_t node = 0;
      for (std::size_t end = begin; end < piece.size();) {
        node = tokens_.step(node, static_cast<unsigned char>(piece[end++]));
        if (node == ByteTrie::no_node) break;
        const TokenId id = tokens_.value(node);
        if (id < 0) continue;
        known |= end == character_end;
        offer(end, score + double{spec_.vocabulary.score(id)}, id);
      }
      if (!known) offer(character_end, score + unknown_score_, -1);
      begin = character_end;
    }

    const std::size_t first = out.size();
    for (std::size_t end = piece.size(); end > 0; end = best[end].begin) {
      append_reversed(best[end].id, piece.substr(best[end].begin, end - best[end].begin), first, out);
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  }

 private:
  void append_reversed(TokenId id, std::string_view text, std::size_t first, std::vector<TokenId>& out) const {
    if (id >= 0) {
      out.push_back(id);
    } else if (spec_.byte_fallback &&
               std::ranges::all_of(text, [&](char c) { return bytes_[static_cast<unsigned char>(c)] >= 0; })) {
      for (auto c = text.rbegin(); c != text.rend(); ++c) out.push_back(bytes_[static_cast<unsigned char>(*c)]);
    } else if (spec_.unknown && (out.size() == first || out.back() != *spec_.unknown)) {
      out.push_back(*spec_.unknown);  // neighbouring unknown characters are one unknown token
    }
  }

  const TokenizerSpec& spec_;
  std::vector<TokenId> bytes_;
  ByteTrie tokens_;
  double unknown_score_ = 0;
};

}  // namespace

Result<std::unique_ptr<SubwordModel>> make_unigram(const TokenizerSpec& spec) {
  return std::make_unique<Unigram>(spec);
}

}  // namespace sw
