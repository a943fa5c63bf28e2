#include "decode/grammar_constraint.hpp"

#include <utility>

namespace sw {
namespace {

constexpr std::size_t max_bytes = 64 << 20;
/// Work for one mask, some 50 ms. A grammar made to exceed it offers the tokens that were found till then.
constexpr std::uint64_t max_visits = 1 << 21;

}  // namespace

GrammarMasks::GrammarMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Tokenizer> tokenizer,
                           std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(grammar)), tokenizer_(std::move(tokenizer)), trie_(std::move(trie)) {}

GrammarMasks::GrammarMasks(GrammarMasks& other, State state)
    : automaton_([&] {
        const std::scoped_lock lock(other.mutex_);
        return GrammarAutomaton(other.automaton_, state);
      }()),
      tokenizer_(other.tokenizer_),
      trie_(other.trie_) {}

GrammarMasks::State GrammarMasks::begin() const {
  return automaton_.begin();
}

bool GrammarMasks::is_full() {
  const std::scoped_lock lock(mutex_);
  return automaton_.bytes() + masks_.size() * trie_->mask_words() * 8 > max_bytes;
}

std::span<const std::uint64_t> GrammarMasks::allowed(State state) {
  const std::scoped_lock lock(mutex_);
  const auto found = masks_.find(state);
  return found != masks_.end() ? found->second : masks_.emplace(state, compute(state)).first->second;
}

std::vector<std::uint64_t> GrammarMasks::compute(State state) {
  std::vector<std::uint64_t> mask(trie_->mask_words());
  const auto allow = [&](TokenId token) {
    mask[static_cast<std::size_t>(token) / 64] |= std::uint64_t{1} << (static_cast<std::size_t>(token) % 64);
  };
  const auto nodes = trie_->nodes();
  path_.resize(trie_->height() + 1);
  path_[0] = state;
  const std::uint64_t visits_before = automaton_.visits();
  for (std::size_t i = 0; i < nodes.size() && automaton_.visits() - visits_before < max_visits;) {
    const auto& node = nodes[i];
    const State next = automaton_.step(path_[node.depth], node.byte);
    if (next == GrammarAutomaton::dead) {
      i = node.end;
      continue;
    }
    path_[node.depth + std::size_t{1}] = next;
    for (TokenId token : trie_->tokens_at(i)) allow(token);
    ++i;
  }
  if (automaton_.accepts(state))
    for (TokenId token : tokenizer_->stop_ids())
      if (token >= 0 && token < tokenizer_->vocab_size()) allow(token);
  return mask;
}

GrammarMasks::State GrammarMasks::after(State state, TokenId token) {
  if (token < 0 || token >= tokenizer_->vocab_size()) return GrammarAutomaton::dead;
  const std::scoped_lock lock(mutex_);
  if (tokenizer_->is_special(token)) return GrammarAutomaton::dead;
  for (char c : tokenizer_->piece(token)) state = automaton_.step(state, static_cast<unsigned char>(c));
  return state;
}

GrammarConstraint::GrammarConstraint(std::shared_ptr<GrammarMasks> masks)
    : origin_(masks), masks_(std::move(masks)), state_(masks_->begin()) {}

std::span<const std::uint64_t> GrammarConstraint::allowed() {
  return masks_->allowed(state_);
}

void GrammarConstraint::accept(TokenId token) {
  state_ = masks_->after(state_, token);
  if (!masks_->is_full()) return;
  masks_ = std::make_shared<GrammarMasks>(*masks_, state_);
  state_ = masks_->begin();
}

std::unique_ptr<TokenConstraint> GrammarConstraint::fresh() const {
  return std::make_unique<GrammarConstraint>(origin_);
}

}  // namespace sw
