#include "decode/grammar_automaton.hpp"

#include <algorithm>
#include <unordered_set>

namespace sw {
namespace {

/// An ambiguous grammar may have been led to ever more places. Beyond this many some are forgotten: what is let
/// through still matches, and not all of what matches is let through.
constexpr std::size_t max_places = 1024;

std::uint64_t pair_key(std::int32_t a, std::int32_t b) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32 | static_cast<std::uint32_t>(b);
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

}  // namespace

GrammarAutomaton::GrammarAutomaton(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  begin_ = intern(closure({{grammar_->begin_of(0), 0}}));
}

GrammarAutomaton::GrammarAutomaton(const GrammarAutomaton& other, State state) : grammar_(other.grammar_) {
  if (state == dead) return;
  const Data& there = other.states_[static_cast<std::size_t>(state)];
  Data here{{}, there.accepting};
  for (const Place& place : there.places) {
    std::vector<std::int32_t> nodes;
    for (std::int32_t frame = place.stack; frame != 0; frame = other.frames_[static_cast<std::size_t>(frame)].below)
      nodes.push_back(other.frames_[static_cast<std::size_t>(frame)].node);
    std::int32_t stack = 0;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) stack = push(*node, stack);
    here.places.push_back({place.node, stack});
  }
  std::sort(here.places.begin(), here.places.end());
  begin_ = intern(std::move(here));
}

std::int32_t GrammarAutomaton::push(std::int32_t node, std::int32_t stack) {
  const auto [position, is_new] =
      frame_ids_.try_emplace(pair_key(node, stack), static_cast<std::int32_t>(frames_.size()));
  if (is_new) frames_.push_back({node, stack});
  return position->second;
}

GrammarAutomaton::Data GrammarAutomaton::closure(std::vector<Place> open) {
  Data data;
  std::unordered_set<std::uint64_t> seen;
  while (!open.empty()) {
    const Place place = open.back();
    open.pop_back();
    ++visits_;
    if (!seen.insert(pair_key(place.node, place.stack)).second || data.places.size() >= max_places) continue;
    const Grammar::Node& node = grammar_->node(place.node);
    switch (node.kind) {
      case Grammar::Kind::byte:
        data.places.push_back(place);
        break;
      case Grammar::Kind::split:
        open.push_back({node.b, place.stack});
        open.push_back({node.a, place.stack});
        break;
      case Grammar::Kind::call: {
        // A call with nothing after it needs no place to come back to: lists do not grow the stack.
        const bool is_last = grammar_->node(node.b).kind == Grammar::Kind::leave;
        open.push_back({grammar_->begin_of(node.a), is_last ? place.stack : push(node.b, place.stack)});
        break;
      }
      case Grammar::Kind::leave:
        if (place.stack == 0) {
          data.accepting = true;
        } else {
          const Frame& frame = frames_[static_cast<std::size_t>(place.stack)];
          open.push_back({frame.node, frame.below});
        }
        break;
    }
  }
  std::sort(data.places.begin(), data.places.end());
  return data;
}

GrammarAutomaton::State GrammarAutomaton::intern(Data data) {
  if (data.places.empty() && !data.accepting) return dead;
  std::uint64_t hash = data.accepting;
  for (const Place& place : data.places) hash = mix(hash, pair_key(place.node, place.stack));
  const auto [begin, end] = state_ids_.equal_range(hash);
  for (auto candidate = begin; candidate != end; ++candidate) {
    const Data& known = states_[static_cast<std::size_t>(candidate->second)];
    if (known.accepting == data.accepting && known.places == data.places) return candidate->second;
  }
  const auto state = static_cast<State>(states_.size());
  n_places_ += data.places.size();
  states_.push_back(std::move(data));
  steps_.resize(steps_.size() + static_cast<std::size_t>(grammar_->n_classes()), unknown);
  state_ids_.emplace(hash, state);
  return state;
}

std::size_t GrammarAutomaton::bytes() const {
  constexpr std::size_t map_entry = 48;
  return steps_.size() * sizeof(State) + n_places_ * sizeof(Place) + states_.size() * (sizeof(Data) + map_entry) +
         frames_.size() * (sizeof(Frame) + map_entry);
}

GrammarAutomaton::State GrammarAutomaton::compute(State state, int byte_class) {
  std::vector<Place> next;
  for (const Place& place : states_[static_cast<std::size_t>(state)].places) {
    const Grammar::Node& node = grammar_->node(place.node);
    if (grammar_->reads(node, byte_class)) next.push_back({node.b, place.stack});
  }
  std::reverse(next.begin(), next.end());  // closure() takes from the back
  const State target = intern(closure(std::move(next)));
  steps_[cell_of(state, byte_class)] = target;
  return target;
}

}  // namespace sw
