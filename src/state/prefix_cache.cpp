#include "state/prefix_cache.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/ops.hpp"

namespace sw {
namespace {

/// A snapshot costs as much as many tokens of attention, so not every block has one.
constexpr int snapshot_blocks = 2;

}  // namespace

PrefixCache::PrefixCache(StatePool& state, Options options)
    : state_(state), options_(std::move(options)), tree_(state, options_.model) {}

PrefixCache::~PrefixCache() {
  if (!options_.disk) return;
  options_.disk->flush();
  poll();
}

Result<SequenceId> PrefixCache::open() {
  if (state_.bytes_per_sequence() > 0 && state_.recurrent_states().free() == 0) tree_.free_snapshot();
  return state_.open();
}

Result<SequenceId> PrefixCache::fork(SequenceId sequence) {
  if (state_.bytes_per_sequence() > 0 && state_.recurrent_states().free() == 0) tree_.free_snapshot();
  return state_.fork(sequence);
}

bool PrefixCache::reserve(SequenceId sequence, int n_tokens) {
  const int missing = state_.missing_blocks(sequence, n_tokens) - state_.blocks().free();
  if (missing > 0 && !tree_.free_blocks(missing)) return false;
  return state_.reserve(sequence, n_tokens).has_value();
}

int PrefixCache::cached_blocks() const {
  return std::max(0, tree_.blocks() - state_.blocks().shared());
}

int PrefixCache::available_blocks() const {
  return state_.blocks().free() + cached_blocks();
}

int PrefixCache::snapshot_interval() const {
  return state_.bytes_per_sequence() > 0 && options_.enabled ? snapshot_blocks * kv_block : 0;
}

int PrefixCache::adopt(SequenceId sequence, std::span<const TokenId> tokens) {
  if (!options_.enabled) return 0;
  const PrefixTree::Match match = tree_.match(tokens);
  if (match.length > 0) state_.adopt(sequence, match.blocks, match.snapshot, match.length);
  return match.length;
}

void PrefixCache::remember(SequenceId sequence, std::span<const TokenId> tokens, bool finished) {
  if (!options_.enabled) return;
  std::int32_t snapshot = Slots::none;
  if (state_.bytes_per_sequence() > 0 && !tokens.empty()) {
    snapshot = take_snapshot();
    if (snapshot == Slots::none) return;
    Slots& states = state_.recurrent_states();
    std::memcpy(states.at(snapshot), states.at(state_.recurrent_state_of(sequence)), states.slot_bytes());
  }
  const auto blocks = tree_.insert(tokens, state_.blocks_of(sequence), snapshot, finished);
  if (snapshot != Slots::none) state_.recurrent_states().release(snapshot);
  if (!options_.disk) return;
  // What waits to be written cannot be reused, so it must stay a small part of the pool.
  const std::size_t pool_bytes =
      static_cast<std::size_t>(state_.blocks().total()) * state_.block_bytes() +
      static_cast<std::size_t>(state_.recurrent_states().total()) * state_.bytes_per_sequence();
  for (std::size_t i = 0; i < blocks.size() && options_.disk->bytes_queued() < pool_bytes / 8; ++i)
    save(blocks[i], static_cast<int>(i));
}

std::optional<PrefixCache::Fetch> PrefixCache::fetch(std::span<const TokenId> tokens) {
  if (!options_.enabled || !options_.disk) return std::nullopt;
  const bool has_blocks = state_.block_bytes() > 0, recurrent = state_.bytes_per_sequence() > 0;
  const auto known = tree_.find(tokens);
  // The deepest block up to which everything is in memory or on disk, and after which a sequence can go on.
  std::vector<PrefixKey> keys;
  std::size_t usable = 0;
  for (std::size_t i = 0; i < tokens.size() / kv_block; ++i) {
    const bool here = i < known.size();
    keys.push_back(here ? known[i].key
                        : (i > 0 ? keys.back() : options_.model).followed_by(tokens.subspan(i * kv_block, kv_block)));
    if (has_blocks && !here && !options_.disk->contains(keys[i])) break;
    if (!recurrent || (here && known[i].snapshot != Slots::none) || options_.disk->contains(keys[i].recurrent()))
      usable = i + 1;
  }
  if (static_cast<int>(usable * kv_block) <= tree_.match(tokens).length) return std::nullopt;

  std::size_t in_memory = std::min(usable, known.size());
  const PrefixKey& first_read = in_memory < usable && has_blocks ? keys[in_memory] : keys[usable - 1].recurrent();
  if (const auto other = reading_.find(first_read); other != reading_.end()) return Fetch{other->second, 0};

  Fetching fetching;
  if (has_blocks) {
    for (std::size_t i = 0; i < in_memory; ++i) {
      state_.blocks().share(known[i].block);
      fetching.blocks.push_back(known[i].block);
    }
    while (fetching.blocks.size() < usable) {
      const std::int32_t block = take_block();
      if (block == Slots::none) break;
      fetching.blocks.push_back(block);
    }
    if (!recurrent) usable = fetching.blocks.size();
  }
  if (recurrent) fetching.snapshot = take_snapshot();
  const bool room =
      !recurrent || (fetching.snapshot != Slots::none && (!has_blocks || fetching.blocks.size() == usable));
  if (!room || usable <= (recurrent ? 0 : in_memory)) {
    end_fetch(fetching);
    return std::nullopt;
  }

  const std::uint64_t id = next_id_++;
  fetching.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(usable * kv_block));
  fetching.good = usable;
  Fetching& added = fetches_.emplace(id, std::move(fetching)).first->second;
  if (has_blocks)
    for (std::size_t i = in_memory; i < usable; ++i, ++added.unfinished)
      read_slot(keys[i], state_.blocks(), added.blocks[i], i, id);
  if (recurrent) {
    read_slot(keys[usable - 1].recurrent(), state_.recurrent_states(), added.snapshot, usable - 1, id);
    ++added.unfinished;
  }
  return Fetch{id, static_cast<int>(usable - in_memory)};
}

void PrefixCache::poll() {
  if (!options_.disk) return;
  for (const DiskStore::Finished& finished : options_.disk->finished()) {
    const Job job = jobs_.extract(finished.tag).mapped();
    if (job.kind != Job::Kind::read) {
      writing_.erase(job.key);
      (job.kind == Job::Kind::write_block ? state_.blocks() : state_.recurrent_states()).release(job.slot);
      continue;
    }
    reading_.erase(job.key);
    Fetching& fetching = fetches_.at(job.fetch);
    if (!finished.ok) fetching.good = std::min(fetching.good, job.index);
    if (--fetching.unfinished > 0) continue;
    end_fetch(fetching);
    fetches_.erase(job.fetch);
  }
}

void PrefixCache::end_fetch(Fetching& fetching) {
  const bool complete = fetching.good * kv_block == fetching.tokens.size();
  const bool recurrent = state_.bytes_per_sequence() > 0;
  if (fetching.good > 0 && (complete || !recurrent)) {
    const auto tokens = std::span(fetching.tokens).first(fetching.good * kv_block);
    tree_.insert(tokens, fetching.blocks, fetching.snapshot, false);
  }
  for (const std::int32_t block : fetching.blocks) state_.blocks().release(block);
  if (fetching.snapshot != Slots::none) state_.recurrent_states().release(fetching.snapshot);
}

void PrefixCache::save() {
  if (!options_.disk) return;
  tree_.for_each([&](const PrefixTree::Block& block, int depth) { save(block, depth); });
  options_.disk->flush();
  poll();
}

void PrefixCache::save(const PrefixTree::Block& block, int depth) {
  if (block.block != Slots::none) save_slot(block.key, state_.blocks(), block.block, depth, Job::Kind::write_block);
  if (block.snapshot != Slots::none)
    save_slot(block.key.recurrent(), state_.recurrent_states(), block.snapshot, depth, Job::Kind::write_snapshot);
}

void PrefixCache::save_slot(const PrefixKey& key, Slots& slots, std::int32_t slot, int depth, Job::Kind kind) {
  if (options_.disk->contains(key)) return options_.disk->touch(key, depth);
  if (!writing_.insert(key).second) return;
  slots.share(slot);
  const std::uint64_t tag = new_job({.kind = kind, .key = key, .slot = slot});
  options_.disk->write(key, {slots.at(slot), slots.slot_bytes()}, depth, tag);
}

void PrefixCache::read_slot(const PrefixKey& key, Slots& slots, std::int32_t slot, std::size_t index,
                            std::uint64_t fetch) {
  reading_.emplace(key, fetch);
  const std::uint64_t tag = new_job({.kind = Job::Kind::read, .key = key, .fetch = fetch, .index = index});
  options_.disk->read(key, {slots.at(slot), slots.slot_bytes()}, static_cast<int>(index), tag);
}

std::uint64_t PrefixCache::new_job(Job job) {
  const std::uint64_t tag = next_id_++;
  jobs_.emplace(tag, std::move(job));
  return tag;
}

std::int32_t PrefixCache::take_block() {
  if (state_.blocks().free() == 0) tree_.free_blocks(1);
  return state_.blocks().take();
}

std::int32_t PrefixCache::take_snapshot() {
  if (state_.recurrent_states().free() == 0) tree_.free_snapshot();
  return state_.recurrent_states().take();
}

}  // namespace sw
