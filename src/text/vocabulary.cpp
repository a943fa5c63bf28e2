#include "text/vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sw {
namespace {

/// Multiply-fold over 8-byte words: pieces are short, so a few multiplications decide.
std::uint64_t hash_bytes(std::string_view bytes) {
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;
  std::uint64_t h = bytes.size() * multiplier;
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    h = (std::rotl(h, 29) ^ word) * multiplier;
  }
  std::uint64_t tail = 0;
  std::memcpy(&tail, p, n);
  h = (std::rotl(h, 29) ^ tail) * multiplier;
  return h ^ (h >> 32);
}

}  // namespace

void Vocabulary::add(std::string_view piece, TokenType type, float score) {
  bytes_ += piece;
  begins_.push_back(bytes_.size());
  types_.push_back(type);
  scores_.push_back(score);
}

PieceTable::PieceTable(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {
  slots_.resize(std::bit_ceil(static_cast<std::size_t>(vocabulary.size()) * 2 + 2));
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.is_ordinary(id)) continue;
    const std::string_view piece = vocabulary.piece(id);
    const auto hash = static_cast<std::uint32_t>(hash_bytes(piece));
    std::size_t i = hash & (slots_.size() - 1);
    // Of two equal pieces the first id wins, as in the reference implementations.
    while (slots_[i].id >= 0 && vocabulary.piece(slots_[i].id) != piece) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i].id < 0) slots_[i] = {hash, id};
    longest_ = std::max(longest_, piece.size());
  }
}

std::optional<TokenId> PieceTable::find(std::string_view piece) const {
  if (piece.size() > longest_ || piece.empty()) return std::nullopt;
  const auto hash = static_cast<std::uint32_t>(hash_bytes(piece));
  for (std::size_t i = hash & (slots_.size() - 1); slots_[i].id >= 0; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].hash == hash && vocabulary_->piece(slots_[i].id) == piece) return slots_[i].id;
  }
  return std::nullopt;
}

}  // namespace sw
