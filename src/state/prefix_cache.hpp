#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "state/disk_store.hpp"
#include "state/prefix_tree.hpp"
#include "state/state.hpp"

namespace sw {

/// A StatePool whose free memory remembers the texts that were read: a sequence begins with the longest beginning that
/// is known, in memory or on disk, and what is remembered gives way when sequences need the memory. Not thread-safe.
class PrefixCache {
 public:
  struct Options {
    bool enabled = true;              ///< false: nothing is remembered
    PrefixKey model;                  ///< of the model's empty text
    std::unique_ptr<DiskStore> disk;  ///< null: memory only
  };
  /// `state` must outlive the cache; its sequences are opened and given room here.
  PrefixCache(StatePool& state, Options options);
  ~PrefixCache();

  Result<SequenceId> open();
  Result<SequenceId> fork(SequenceId sequence);
  /// Room for `n_tokens` more positions; false when even without anything remembered there is none.
  bool reserve(SequenceId sequence, int n_tokens);
  /// Blocks that are free or could be freed. An underestimate while texts share blocks or are being written to disk.
  int available_blocks() const;
  /// Blocks that only the cache holds.
  int cached_blocks() const;

  bool is_enabled() const { return options_.enabled; }
  /// How many of `tokens` adopt() would find.
  int known(std::span<const TokenId> tokens) { return options_.enabled ? tree_.match(tokens).length : 0; }
  /// Begins an empty sequence with what is known of `tokens` in memory; returns how many of them that is.
  int adopt(SequenceId sequence, std::span<const TokenId> tokens);
  /// Remembers that `sequence` has read `tokens`, here and, block by block, on disk. A last block that is not full is
  /// remembered only of a `finished` sequence.
  void remember(SequenceId sequence, std::span<const TokenId> tokens, bool finished);
  /// Recurrent states are worth remembering only at multiples of so many tokens; 0: at any (there are none).
  int snapshot_interval() const;

  /// What is being read from disk.
  struct Fetch {
    std::uint64_t id;
    int blocks;  ///< how many
  };
  /// Starts reading what the disk knows of `tokens` beyond what memory does; none: nothing. Once it is over, adopt()
  /// finds it.
  std::optional<Fetch> fetch(std::span<const TokenId> tokens);
  bool is_fetching(std::uint64_t id) const { return fetches_.contains(id); }
  /// Takes in what the disk has finished.
  void poll();
  /// Writes what has not been written yet, and waits for it.
  void save();

  const DiskStore* disk() const { return options_.disk.get(); }

 private:
  /// Blocks on their way from disk, and those before them.
  struct Fetching {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> blocks;
    std::int32_t snapshot = Slots::none;
    int unfinished = 0;
    std::size_t good = 0;  ///< blocks of the text that are right
  };
  struct Job {
    enum class Kind { write_block, write_snapshot, read } kind;
    PrefixKey key;
    std::int32_t slot = Slots::none;
    std::uint64_t fetch = 0;
    std::size_t index = 0;  ///< of the block within its text
  };
  std::int32_t take_block();
  std::int32_t take_snapshot();
  std::uint64_t new_job(Job job);
  void save(const PrefixTree::Block& block, int depth);
  void save_slot(const PrefixKey& key, Slots& slots, std::int32_t slot, int depth, Job::Kind kind);
  void read_slot(const PrefixKey& key, Slots& slots, std::int32_t slot, std::size_t index, std::uint64_t fetch);
  void end_fetch(Fetching& fetching);

  StatePool& state_;
  Options options_;
  PrefixTree tree_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Job> jobs_;  // by the tag the disk knows them by
  std::unordered_map<std::uint64_t, Fetching> fetches_;
  std::unordered_set<PrefixKey, PrefixKey::Hash> writing_;
  std::unordered_map<PrefixKey, std::uint64_t, PrefixKey::Hash> reading_;  // to the fetch
};

}  // namespace sw
