#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "text/tokenizer.hpp"
#include "train/corpus.hpp"

namespace sw::train {

/// Tokenized documents in mapped safetensors files "NAME-00000.safetensors": "tokens" I32, "weights" I8 (127: counts
/// fully as a target), "documents" I64, where each begins, and the end.
class Shards {
 public:
  static Result<Shards> open(const std::filesystem::path& folder, const std::string& name);

  std::int64_t tokens() const { return tokens_; }
  std::int64_t documents() const { return documents_; }

  /// Tokens of a document that follow each other.
  struct Chunk {
    std::span<const TokenId> inputs, targets;
    std::span<const std::int8_t> weights;  ///< of the targets
  };
  /// Where a chunk lies.
  struct Place {
    std::uint32_t shard;
    std::uint32_t length;
    std::int64_t first;
    std::int64_t row;  ///< inputs of all chunks before it
  };
  /// Every document in pieces of at most `length` inputs.
  std::vector<Place> chunks(int length) const;
  Chunk at(const Place& place) const;

 private:
  struct Shard {
    std::shared_ptr<const MappedFile> file;
    std::span<const TokenId> tokens;
    std::span<const std::int8_t> weights;
    std::span<const std::int64_t> documents;
  };
  std::vector<Shard> shards_;
  std::int64_t tokens_ = 0, documents_ = 0;
};

/// Collects documents and writes shards of about `shard_tokens`.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path folder, std::string name, std::int64_t shard_tokens = 32 << 20)
      : folder_(std::move(folder)), name_(std::move(name)), shard_tokens_(shard_tokens) {}

  /// `end`: the token after a document's last.
  Status add(const Document& document, const Tokenizer& tokenizer, TokenId end);
  Status finish();

 private:
  Status write();

  std::filesystem::path folder_;
  std::string name_;
  std::int64_t shard_tokens_;
  int written_ = 0;
  std::vector<TokenId> tokens_;
  std::vector<std::int8_t> weights_;
  std::vector<std::int64_t> documents_{0};
};

}  // namespace sw::train
