#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/network.hpp"
#include "train/shards.hpp"

namespace sw::train {

/// Where in the data a run is.
struct Cursor {
  std::uint64_t epoch = 0;
  std::uint64_t chunk = 0;  ///< in the epoch's order
};

/// Deals the chunks of the shards out, shuffled anew in every epoch. The order is a function of the seed and the epoch.
class Batches {
 public:
  Batches(const Shards& shards, int sequence, std::uint64_t seed);

  bool empty() const { return chunks_.empty(); }
  std::int64_t chunks() const { return static_cast<std::int64_t>(chunks_.size()); }
  /// The next chunks, as many as fit into `tokens` and at least one.
  std::vector<Shards::Place> next(std::int64_t tokens);

  const Cursor& cursor() const { return cursor_; }
  void seek(const Cursor& cursor);

 private:
  void shuffle();

  std::vector<Shards::Place> chunks_;
  std::vector<std::uint32_t> order_;
  std::uint64_t seed_;
  Cursor cursor_;
};

/// Chunks side by side, as the network takes them.
struct TrainingBatch {
  std::vector<TokenId> tokens, targets;
  std::vector<float> weights;
  std::vector<int> lengths;

  TrainingBatch(const Shards& shards, std::span<const Shards::Place> places);
  Batch batch() const { return {tokens, lengths}; }
  double weight() const;  ///< Σ weights
};

/// Cuts chunks into groups of at most `tokens` in at most `sequences`, each at least one chunk.
std::vector<std::span<const Shards::Place>> split(std::span<const Shards::Place> places, std::int64_t tokens,
                                                  int sequences);

}  // namespace sw::train
