#pragma once

#include <memory>

#include "text/added_tokens.hpp"
#include "text/normalizer.hpp"
#include "text/pre_tokenizer.hpp"
#include "text/special_texts.hpp"
#include "text/subword_model.hpp"

namespace sw {

/// Every tokenizer: a TokenizerSpec, compiled.
class SubwordTokenizer final : public Tokenizer {
 public:
  static Result<std::unique_ptr<const Tokenizer>> compile(TokenizerSpec spec);

  Result<std::vector<TokenId>> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string_view piece(TokenId id) const override;
  bool is_special(TokenId id) const override;
  std::int32_t vocab_size() const override { return spec_.vocabulary.size(); }
  std::optional<TokenId> find(std::string_view piece) const override;
  Result<std::vector<std::size_t>> special_texts(std::string_view text) const override;
  Status write_metadata(Metadata& metadata) const override;

 private:
  explicit SubwordTokenizer(TokenizerSpec spec) : spec_(std::move(spec)) {}
  Status build();
  Status encode_text(std::string_view text, bool at_start, const EncodeOptions& options, PreTokenizer::Pieces& pieces,
                     std::vector<TokenId>& ids) const;
  Status encode_normalized(std::string_view text, bool at_start, PreTokenizer::Pieces& pieces,
                           std::vector<TokenId>& ids) const;

  // Added tokens are looked for in the text as written, then in the normalized text; special ones only if asked for.
  struct AddedPasses {
    AddedTokens written, normalized;
  };

  TokenizerSpec spec_;
  PieceTable pieces_;
  AddedPasses all_added_, ordinary_added_;
  SpecialTexts special_texts_;
  AddedTokens normalized_special_;  // the special ones of all_added_.normalized, as written and normalized
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  std::unique_ptr<SubwordModel> model_;
};

}  // namespace sw
