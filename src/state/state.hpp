#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "model/spec.hpp"
#include "ops/types.hpp"
#include "state/layout.hpp"
#include "state/slots.hpp"

namespace sw {

/// A handle to what one sequence remembers, valid until close().
enum class SequenceId : std::int32_t {};

struct StateOptions {
  std::int64_t max_tokens = 4096;  ///< positions all sequences may hold together
  int max_sequences = 1;
  int snapshots = 0;  ///< recurrent states beside those of the sequences
  KvType kv_type = default_kv_type;
};

/// What sequences remember. Attention layers keep keys and values in fixed-size blocks of one pool (PagedAttention:
/// Kwon et al. 2023), so memory is taken as sequences grow and returned when they close. Sequences with the same
/// beginning share its blocks; one that writes into a shared block gets its own copy first. Recurrent layers keep a
/// fixed-size state per sequence. Not thread-safe.
class StatePool {
 public:
  static Result<StatePool> create(const ModelSpec& spec, const StateOptions& options);

  Result<SequenceId> open();
  /// A sequence that has read the same as `sequence`.
  Result<SequenceId> fork(SequenceId sequence);
  void close(SequenceId sequence);

  /// Begins an empty sequence with the first `length` positions of `blocks` (none without attention layers) and a copy
  /// of the recurrent state `snapshot` (none without recurrent layers), which were written for the tokens it follows.
  void adopt(SequenceId sequence, std::span<const std::int32_t> blocks, std::int32_t snapshot, int length);

  /// Makes room for `n_tokens` more positions; an Error when the pool is exhausted (nothing is taken then).
  Status reserve(SequenceId sequence, int n_tokens);
  /// How many blocks reserve() would take.
  int missing_blocks(SequenceId sequence, int n_tokens) const;
  int length(SequenceId sequence) const { return at(sequence).length; }
  /// Counts `n_tokens` reserved positions as written.
  void advance(SequenceId sequence, int n_tokens) { at(sequence).length += n_tokens; }
  /// Forgets all but the first `n_tokens`. Recurrent layers can only forget everything: an Error otherwise.
  Status truncate(SequenceId sequence, int n_tokens);

  /// The slots of KV blocks, and the blocks of a sequence in order of position.
  Slots& blocks() { return blocks_; }
  std::span<std::int32_t> blocks_of(SequenceId sequence) { return at(sequence).blocks; }
  /// The slots of recurrent states, and the one of a sequence (Slots::none without recurrent layers).
  Slots& recurrent_states() { return recurrent_; }
  std::int32_t recurrent_state_of(SequenceId sequence) const { return at(sequence).recurrent; }

  // For the executor.
  KvType kv_type() const { return layout_.kv_type; }
  const LayerState& layer(int block) const { return layout_.layers[static_cast<std::size_t>(block)]; }
  std::byte* block_data() const { return blocks_.data(); }
  std::size_t block_bytes() const { return layout_.block_bytes; }
  const std::int32_t* block_table(SequenceId sequence) const { return at(sequence).blocks.data(); }
  /// The recurrent state of a sequence at layer(block).offset.
  float* recurrent(SequenceId sequence, int block) const;

  /// Bytes one position takes in the pool, and one sequence whatever its length.
  std::size_t bytes_per_token() const;
  std::size_t bytes_per_sequence() const { return layout_.recurrent_bytes; }
  const StateLayout& layout() const { return layout_; }

 private:
  struct Sequence {
    int length = 0;
    bool open = false;
    std::vector<std::int32_t> blocks;
    std::int32_t recurrent = Slots::none;
  };
  /// The block the next position falls into is partly written and held by others too.
  bool writes_into_shared(const Sequence& sequence) const;
  void clear_recurrent(const Sequence& sequence);
  Sequence& at(SequenceId id) { return sequences_[static_cast<std::size_t>(id)]; }
  const Sequence& at(SequenceId id) const { return sequences_[static_cast<std::size_t>(id)]; }

  StateLayout layout_;
  Slots blocks_, recurrent_;
  std::vector<Sequence> sequences_;
};

}  // namespace sw
