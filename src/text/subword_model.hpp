#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/tokenizer_spec.hpp"

namespace sw {

/// Cuts one piece of pre-tokenized text into tokens. Immutable; any number of threads may use one.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  virtual void encode(std::string_view piece, std::vector<TokenId>& out) const = 0;
};

// Each keeps a reference to the spec, which must outlive it.
Result<std::unique_ptr<SubwordModel>> make_bpe(const TokenizerSpec& spec, const PieceTable& pieces);
Result<std::unique_ptr<SubwordModel>> make_unigram(const TokenizerSpec& spec);
Result<std::unique_ptr<SubwordModel>> make_wordpiece(const TokenizerSpec& spec);

/// Whether every ordinary token, given as a piece, is encoded as itself by `model`.
bool encodes_its_tokens(const SubwordModel& model, const TokenizerSpec& spec, const PieceTable& pieces);

/// The token of type byte for each byte, -1 where the vocabulary lacks it.
std::vector<TokenId> byte_tokens(const Vocabulary& vocabulary);

}  // namespace sw
