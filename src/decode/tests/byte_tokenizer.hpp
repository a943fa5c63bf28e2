#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.hpp"

namespace sw::test {

/// Tokens 0…255 are the bytes, 256 ends a text, and the others are the pieces given.
class ByteTokenizer : public Tokenizer {
 public:
  static constexpr TokenId end = 256;

  explicit ByteTokenizer(const std::vector<std::string>& pieces = {}) {
    for (int byte = 0; byte < 256; ++byte) pieces_.emplace_back(1, static_cast<char>(byte));
    pieces_.push_back("<end>");
    pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
    eos_ = end;
    stop_ids_ = {end};
  }

  Result<std::vector<TokenId>> encode(std::string_view text, const EncodeOptions&) const override {
    std::vector<TokenId> ids;
    for (char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string_view piece(TokenId id) const override { return pieces_[static_cast<std::size_t>(id)]; }
  bool is_special(TokenId id) const override { return id == end; }
  std::int32_t vocab_size() const override { return static_cast<std::int32_t>(pieces_.size()); }
  std::optional<TokenId> find(std::string_view piece) const override {
    for (TokenId id = 0; id < vocab_size(); ++id)
      if (pieces_[static_cast<std::size_t>(id)] == piece) return id;
    return std::nullopt;
  }
  Result<std::vector<std::size_t>> special_texts(std::string_view) const override { return {}; }
  Status write_metadata(Metadata&) const override { return {}; }

 private:
  std::vector<std::string> pieces_;
};

}  // namespace sw::test
