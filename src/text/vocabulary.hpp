#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.hpp"

namespace sw {

/// GGUF's token types; the values are the file format's.
enum class TokenType : std::uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// Every token's bytes as they appear in a text, its type, and its score where the model has scores.
class Vocabulary {
 public:
  void add(std::string_view piece, TokenType type, float score = 0);

  std::int32_t size() const { return static_cast<std::int32_t>(types_.size()); }
  bool contains(TokenId id) const { return id >= 0 && id < size(); }
  std::string_view piece(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }
  TokenType type(TokenId id) const { return types_[static_cast<std::size_t>(id)]; }
  void set_type(TokenId id, TokenType type) { types_[static_cast<std::size_t>(id)] = type; }
  float score(TokenId id) const { return scores_[static_cast<std::size_t>(id)]; }
  void set_score(TokenId id, float score) { scores_[static_cast<std::size_t>(id)] = score; }

  /// Special tokens steer the model and never come from ordinary text.
  bool is_special(TokenId id) const { return type(id) == TokenType::control || type(id) == TokenType::unknown; }
  /// Whether merges may make the token. User-defined tokens are found before the model sees a text, and may be steps
  /// on the way to longer ones.
  bool is_ordinary(TokenId id) const {
    return (type(id) == TokenType::normal || type(id) == TokenType::user_defined) && !piece(id).empty();
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> begins_{0};
  std::vector<TokenType> types_;
  std::vector<float> scores_;
};

/// Finds ordinary tokens by their bytes: open addressing over the vocabulary's own strings.
class PieceTable {
 public:
  PieceTable() = default;
  explicit PieceTable(const Vocabulary& vocabulary);

  std::optional<TokenId> find(std::string_view piece) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = -1;
  };

  const Vocabulary* vocabulary_ = nullptr;
  std::vector<Slot> slots_;
  std::size_t longest_ = 0;
};

}  // namespace sw
