#include "state/state.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <variant>

#include "ops/ops.hpp"

namespace sw {
namespace {

std::size_t blocks_for(int n_tokens) {
  return static_cast<std::size_t>((n_tokens + kv_block - 1) / kv_block);
}

}  // namespace

Result<StatePool> StatePool::create(const ModelSpec& spec, const StateOptions& options) {
  for (const BlockSpec& block : spec.blocks)
    if (const auto* attention = std::get_if<Attention>(&block.mixer);
        attention && (options.kv_type == KvType::q4 || options.kv_type == KvType::bf16) && attention->head_dim % 2 != 0)
      return fail(std::string(name(options.kv_type)) + " keys are stored in pairs, and heads have " +
                      std::to_string(attention->head_dim) + " dimensions",
                  "sequence state", "an even number", "Store keys and values as f16 or q8");
  StatePool pool;
  pool.layout_ = StateLayout::of(spec, options.kv_type);
  const auto sequences = static_cast<std::size_t>(std::max(1, options.max_sequences));
  if (pool.layout_.block_bytes > 0) {
    // Every sequence may leave its last block partly filled.
    const auto blocks = static_cast<std::size_t>((options.max_tokens + kv_block - 1) / kv_block) + sequences - 1;
    SW_ASSIGN(pool.blocks_, Slots::create(blocks, pool.layout_.block_bytes));
  }
  if (pool.layout_.recurrent_bytes > 0) {
    const std::size_t states = sequences + static_cast<std::size_t>(std::max(0, options.snapshots));
    SW_ASSIGN(pool.recurrent_, Slots::create(states, pool.layout_.recurrent_bytes));
  }
  pool.sequences_.resize(sequences);
  return pool;
}

Result<SequenceId> StatePool::open() {
  const auto free = std::ranges::find(sequences_, false, &Sequence::open);
  if (free == sequences_.end())
    return fail("all " + std::to_string(sequences_.size()) + " sequences are in use", "sequence state", {},
                "Close one, or create the pool with more");
  if (layout_.recurrent_bytes > 0) {
    free->recurrent = recurrent_.take();
    if (free->recurrent == Slots::none)
      return fail("all " + std::to_string(recurrent_.total()) + " recurrent states are in use", "sequence state", {},
                  "Let go of a snapshot first");
    clear_recurrent(*free);
  }
  free->open = true;
  return static_cast<SequenceId>(free - sequences_.begin());
}

Result<SequenceId> StatePool::fork(SequenceId sequence) {
  SW_ASSIGN(const SequenceId copy, open());
  const Sequence& from = at(sequence);
  adopt(copy, std::span(from.blocks).first(std::min(from.blocks.size(), blocks_for(from.length))), from.recurrent,
        from.length);
  return copy;
}

void StatePool::close(SequenceId sequence) {
  Sequence& s = at(sequence);
  std::for_each(s.blocks.rbegin(), s.blocks.rend(), [&](std::int32_t block) { blocks_.release(block); });
  if (s.recurrent != Slots::none) recurrent_.release(s.recurrent);
  s = {};
}

void StatePool::adopt(SequenceId sequence, std::span<const std::int32_t> blocks, std::int32_t snapshot, int length) {
  Sequence& s = at(sequence);
  for (const std::int32_t block : blocks) blocks_.share(block);
  s.blocks.assign(blocks.begin(), blocks.end());
  if (snapshot != Slots::none)
    std::memcpy(recurrent_.at(s.recurrent), recurrent_.at(snapshot), layout_.recurrent_bytes);
  s.length = length;
}

bool StatePool::writes_into_shared(const Sequence& s) const {
  return s.length % kv_block != 0 && blocks_.is_shared(s.blocks[static_cast<std::size_t>(s.length / kv_block)]);
}

int StatePool::missing_blocks(SequenceId sequence, int n_tokens) const {
  if (layout_.block_bytes == 0 || n_tokens == 0) return 0;
  const Sequence& s = at(sequence);
  const std::size_t wanted = blocks_for(s.length + n_tokens);
  const std::size_t missing = wanted > s.blocks.size() ? wanted - s.blocks.size() : 0;
  return static_cast<int>(missing) + (writes_into_shared(s) ? 1 : 0);
}

Status StatePool::reserve(SequenceId sequence, int n_tokens) {
  const int missing = missing_blocks(sequence, n_tokens);
  if (missing == 0) return {};
  if (missing > blocks_.free())
    return fail("no room for " + std::to_string(n_tokens) + " more tokens: " + std::to_string(missing) +
                    " blocks are needed and " + std::to_string(blocks_.free()) + " are free",
                "sequence state", {}, "Use a shorter prompt or a larger context");
  Sequence& s = at(sequence);
  if (writes_into_shared(s)) {
    std::int32_t& block = s.blocks[static_cast<std::size_t>(s.length / kv_block)];
    const std::int32_t copy = blocks_.take();
    std::memcpy(blocks_.at(copy), blocks_.at(block), layout_.block_bytes);
    blocks_.release(block);
    block = copy;
  }
  while (s.blocks.size() < blocks_for(s.length + n_tokens)) s.blocks.push_back(blocks_.take());
  return {};
}

Status StatePool::truncate(SequenceId sequence, int n_tokens) {
  Sequence& s = at(sequence);
  if (n_tokens >= s.length) return {};
  if (layout_.recurrent_bytes > 0 && n_tokens > 0)
    return fail("a recurrent state cannot go back to position " + std::to_string(n_tokens), "sequence state", "0",
                "Read the sequence again from its start");
  s.length = n_tokens;
  while (s.blocks.size() > blocks_for(n_tokens)) {
    blocks_.release(s.blocks.back());
    s.blocks.pop_back();
  }
  clear_recurrent(s);
  return {};
}

void StatePool::clear_recurrent(const Sequence& sequence) {
  if (sequence.recurrent != Slots::none) std::memset(recurrent_.at(sequence.recurrent), 0, layout_.recurrent_bytes);
}

float* StatePool::recurrent(SequenceId sequence, int block) const {
  return reinterpret_cast<float*>(recurrent_.at(at(sequence).recurrent)) + layer(block).offset;
}

std::size_t StatePool::bytes_per_token() const {
  return layout_.block_bytes / kv_block;
}

}  // namespace sw
