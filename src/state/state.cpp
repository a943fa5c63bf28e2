#include "state/state.hpp"

#include <algorithm>

#include "ops/ops.hpp"

namespace sw {
namespace {

std::size_t element_bytes(KvType type) {
  return type == KvType::f32 ? 4 : 2;
}

std::size_t round_to_line(std::size_t n) {
  return (n + 63) / 64 * 64;
}

}  // namespace

Result<StatePool> StatePool::create(const ModelSpec& spec, const StateOptions& options) {
  StatePool pool;
  pool.kv_type_ = options.kv_type;
  for (const BlockSpec& block : spec.blocks) {
    LayerState layer;
    if (const auto* attention = std::get_if<Attention>(&block.mixer)) {
      layer.offset = pool.block_bytes_;
      layer.head_bytes = round_to_line(2 * std::size_t{kv_block} * static_cast<std::size_t>(attention->head_dim) *
                                       element_bytes(options.kv_type));
      pool.block_bytes_ += layer.head_bytes * static_cast<std::size_t>(attention->kv_heads);
    } else if (const auto* mamba = std::get_if<Mamba>(&block.mixer)) {
      layer.offset = pool.recurrent_floats_;
      pool.recurrent_floats_ +=
          static_cast<std::size_t>(mamba->inner) * static_cast<std::size_t>(mamba->conv - 1 + mamba->state);
    }
    pool.layers_.push_back(layer);
  }

  const auto sequences = static_cast<std::size_t>(std::max(1, options.max_sequences));
  if (pool.block_bytes_ > 0) {
    // Every sequence may leave its last block partly filled.
    const auto blocks = static_cast<std::size_t>((options.max_tokens + kv_block - 1) / kv_block) + sequences - 1;
    SW_ASSIGN(pool.pool_, Memory::allocate(blocks * pool.block_bytes_));
    pool.free_blocks_.resize(blocks);
    for (std::size_t i = 0; i < blocks; ++i) pool.free_blocks_[i] = static_cast<std::int32_t>(blocks - 1 - i);
  }
  SW_ASSIGN(pool.recurrent_, Memory::allocate(sequences * pool.recurrent_floats_ * sizeof(float)));
  pool.sequences_.resize(sequences);
  return pool;
}

Result<SequenceId> StatePool::open() {
  const auto free = std::ranges::find(sequences_, false, &Sequence::open);
  if (free == sequences_.end())
    return fail("all " + std::to_string(sequences_.size()) + " sequences are in use", "sequence state", {},
                "Close one, or create the pool with more");
  free->open = true;
  const auto id = static_cast<SequenceId>(free - sequences_.begin());
  if (recurrent_floats_ > 0) std::fill_n(recurrent_of(id), recurrent_floats_, 0.0f);
  return id;
}

void StatePool::close(SequenceId sequence) {
  Sequence& s = at(sequence);
  free_blocks_.insert(free_blocks_.end(), s.blocks.rbegin(), s.blocks.rend());
  s = {};
}

Status StatePool::reserve(SequenceId sequence, int n_tokens) {
  if (block_bytes_ == 0) return {};
  Sequence& s = at(sequence);
  const auto wanted = static_cast<std::size_t>((s.length + n_tokens + kv_block - 1) / kv_block);
  if (wanted <= s.blocks.size()) return {};
  const std::size_t missing = wanted - s.blocks.size();
  if (missing > free_blocks_.size())
    return fail("no room for " + std::to_string(n_tokens) + " more tokens: " + std::to_string(missing) +
                    " blocks are needed and " + std::to_string(free_blocks_.size()) + " are free",
                "sequence state", {}, "Use a shorter prompt or a larger context");
  for (std::size_t i = 0; i < missing; ++i) {
    s.blocks.push_back(free_blocks_.back());
    free_blocks_.pop_back();
  }
  return {};
}

Status StatePool::truncate(SequenceId sequence, int n_tokens) {
  Sequence& s = at(sequence);
  if (n_tokens >= s.length) return {};
  if (recurrent_floats_ > 0 && n_tokens > 0)
    return fail("a recurrent state cannot go back to position " + std::to_string(n_tokens), "sequence state", "0",
                "Read the sequence again from its start");
  s.length = n_tokens;
  const auto kept = static_cast<std::size_t>((n_tokens + kv_block - 1) / kv_block);
  while (s.blocks.size() > kept) {
    free_blocks_.push_back(s.blocks.back());
    s.blocks.pop_back();
  }
  if (recurrent_floats_ > 0) std::fill_n(recurrent_of(sequence), recurrent_floats_, 0.0f);
  return {};
}

float* StatePool::recurrent_of(SequenceId sequence) const {
  return reinterpret_cast<float*>(recurrent_.data()) + static_cast<std::size_t>(sequence) * recurrent_floats_;
}

std::size_t StatePool::bytes_per_token() const {
  return block_bytes_ / kv_block;
}

}  // namespace sw
