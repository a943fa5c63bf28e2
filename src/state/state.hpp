#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "model/spec.hpp"
#include "ops/types.hpp"

namespace sw {

/// A handle to what one sequence remembers, valid until close().
enum class SequenceId : std::int32_t {};

struct StateOptions {
  std::int64_t max_tokens = 4096;  ///< positions all sequences may hold together
  int max_sequences = 1;
  KvType kv_type = KvType::f16;
};

/// Where the state of one block of the model lies.
struct LayerState {
  std::size_t offset = 0;  ///< attention: bytes into a KV block; recurrent: floats into a sequence's recurrent state
  std::size_t head_bytes = 0;  ///< attention: bytes of one KV head within a KV block
};

/// What sequences remember. Attention layers keep keys and values in fixed-size blocks of one shared pool, so memory is
/// taken as sequences grow and returned when they close; recurrent layers keep a fixed-size state per sequence.
/// Memory is reserved from the system at creation and touched as it is used. Not thread-safe.
class StatePool {
 public:
  static Result<StatePool> create(const ModelSpec& spec, const StateOptions& options);

  Result<SequenceId> open();
  void close(SequenceId sequence);

  /// Makes room for `n_tokens` more positions; an Error when the pool is exhausted (nothing is taken then).
  Status reserve(SequenceId sequence, int n_tokens);
  int length(SequenceId sequence) const { return at(sequence).length; }
  /// Counts `n_tokens` reserved positions as written.
  void advance(SequenceId sequence, int n_tokens) { at(sequence).length += n_tokens; }
  /// Forgets all but the first `n_tokens`. Recurrent layers can only forget everything: an Error otherwise.
  Status truncate(SequenceId sequence, int n_tokens);

  // For the executor.
  KvType kv_type() const { return kv_type_; }
  const LayerState& layer(int block) const { return layers_[static_cast<std::size_t>(block)]; }
  std::byte* blocks() const { return pool_.data(); }
  std::size_t block_bytes() const { return block_bytes_; }
  const std::int32_t* block_table(SequenceId sequence) const { return at(sequence).blocks.data(); }
  /// The recurrent state of a sequence at layer(block).offset.
  float* recurrent(SequenceId sequence, int block) const { return recurrent_of(sequence) + layer(block).offset; }

  /// Bytes one position takes in the pool, and one sequence whatever its length.
  std::size_t bytes_per_token() const;
  std::size_t bytes_per_sequence() const { return recurrent_floats_ * sizeof(float); }

 private:
  struct Sequence {
    int length = 0;
    bool open = false;
    std::vector<std::int32_t> blocks;
  };
  float* recurrent_of(SequenceId sequence) const;
  Sequence& at(SequenceId id) { return sequences_[static_cast<std::size_t>(id)]; }
  const Sequence& at(SequenceId id) const { return sequences_[static_cast<std::size_t>(id)]; }

  KvType kv_type_ = KvType::f16;
  std::vector<LayerState> layers_;
  std::size_t block_bytes_ = 0;
  std::size_t recurrent_floats_ = 0;
  Memory pool_, recurrent_;
  std::vector<std::int32_t> free_blocks_;
  std::vector<Sequence> sequences_;
};

}  // namespace sw
