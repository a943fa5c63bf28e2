#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decode/grammar.hpp"

namespace sw {

/// A grammar made deterministic as far as it is walked. A state is the set of all places in the grammar that the text
/// so far may have led to, each with the stack of rules to come back to; stacks are shared lists. A step that was taken
/// before costs one look-up. Not thread-safe.
class GrammarAutomaton {
 public:
  using State = std::int32_t;
  static constexpr State dead = -1;

  explicit GrammarAutomaton(std::shared_ptr<const Grammar> grammar);
  /// The same grammar with nothing known but one state of `other`, which becomes begin().
  GrammarAutomaton(const GrammarAutomaton& other, State state);

  State begin() const { return begin_; }
  State step(State state, unsigned char byte) {
    if (state == dead) return dead;
    const std::size_t cell = cell_of(state, grammar_->class_of(byte));
    return steps_[cell] == unknown ? compute(state, grammar_->class_of(byte)) : steps_[cell];
  }
  /// Whether the text may end here.
  bool accepts(State state) const { return state != dead && states_[static_cast<std::size_t>(state)].accepting; }

  /// Memory of what is known so far.
  std::size_t bytes() const;
  /// Nodes of the grammar looked at so far: the work that steps not taken before cost.
  std::uint64_t visits() const { return visits_; }
  const std::shared_ptr<const Grammar>& grammar() const { return grammar_; }

 private:
  static constexpr State unknown = -2;
  /// A place: a node that reads a byte, and the stack of nodes to come back to.
  struct Place {
    std::int32_t node, stack;
    bool operator==(const Place&) const = default;
    auto operator<=>(const Place&) const = default;
  };
  struct Data {
    std::vector<Place> places;  // sorted
    bool accepting = false;
  };
  struct Frame {
    std::int32_t node, below;
  };

  std::size_t cell_of(State state, int byte_class) const {
    return static_cast<std::size_t>(state) * static_cast<std::size_t>(grammar_->n_classes()) +
           static_cast<std::size_t>(byte_class);
  }
  State compute(State state, int byte_class);
  State intern(Data data);
  Data closure(std::vector<Place> places);
  std::int32_t push(std::int32_t node, std::int32_t stack);

  std::shared_ptr<const Grammar> grammar_;
  State begin_ = dead;
  std::vector<State> steps_;  // [states, classes]
  std::vector<Data> states_;
  std::unordered_multimap<std::uint64_t, State> state_ids_;  // by hash
  std::vector<Frame> frames_{{-1, -1}};                      // 0: the empty stack
  std::unordered_map<std::uint64_t, std::int32_t> frame_ids_;
  std::size_t n_places_ = 0;
  std::uint64_t visits_ = 0;
};

}  // namespace sw
