#include "train/batches.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "train/random.hpp"

namespace sw::train {

Batches::Batches(const Shards& shards, int sequence, std::uint64_t seed)
    : chunks_(shards.chunks(sequence)), order_(chunks_.size()), seed_(seed) {
  shuffle();
}

void Batches::seek(const Cursor& cursor) {
  cursor_ = cursor;
  shuffle();
}

/// Fisher & Yates.
void Batches::shuffle() {
  const Stream stream(seed_, "epoch " + std::to_string(cursor_.epoch));
  std::iota(order_.begin(), order_.end(), 0u);
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[stream.below(i, i)]);
}

std::vector<Shards::Place> Batches::next(std::int64_t tokens) {
  std::vector<Shards::Place> out;
  while (!chunks_.empty()) {
    if (cursor_.chunk == order_.size()) {
      cursor_ = {cursor_.epoch + 1, 0};
      shuffle();
    }
    const Shards::Place& place = chunks_[order_[cursor_.chunk]];
    tokens -= place.length;
    if (tokens < 0 && !out.empty()) break;
    out.push_back(place);
    ++cursor_.chunk;
  }
  return out;
}

TrainingBatch::TrainingBatch(const Shards& shards, std::span<const Shards::Place> places) {
  for (const Shards::Place& place : places) {
    const Shards::Chunk chunk = shards.at(place);
    tokens.insert(tokens.end(), chunk.inputs.begin(), chunk.inputs.end());
    targets.insert(targets.end(), chunk.targets.begin(), chunk.targets.end());
    for (const std::int8_t w : chunk.weights) weights.push_back(static_cast<float>(w) / 127);
    lengths.push_back(static_cast<int>(place.length));
  }
}

double TrainingBatch::weight() const {
  double sum = 0;
  for (const float w : weights) sum += w;
  return sum;
}

std::vector<std::span<const Shards::Place>> split(std::span<const Shards::Place> places, std::int64_t tokens,
                                                  int sequences) {
  std::vector<std::span<const Shards::Place>> out;
  std::size_t first = 0;
  std::int64_t held = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i > first && (held + places[i].length > tokens || i - first == static_cast<std::size_t>(sequences))) {
      out.push_back(places.subspan(first, i - first));
      first = i;
      held = 0;
    }
    held += places[i].length;
  }
  if (first < places.size()) out.push_back(places.subspan(first));
  return out;
}

}  // namespace sw::train
