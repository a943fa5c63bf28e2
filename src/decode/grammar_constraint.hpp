#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "decode/grammar.hpp"
#include "decode/grammar_automaton.hpp"
#include "decode/token_constraint.hpp"
#include "decode/token_trie.hpp"

namespace sw {

/// The tokens that may follow in each state of a grammar, computed when a state is first met and kept for all texts
/// under the same grammar. Thread-safe.
class GrammarMasks {
 public:
  using State = GrammarAutomaton::State;
  GrammarMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Tokenizer> tokenizer,
               std::shared_ptr<const TokenTrie> trie);
  /// Continues at a state of another, with nothing else kept of it.
  GrammarMasks(GrammarMasks& other, State state);

  State begin() const;
  /// [trie.mask_words()]; valid as long as the object.
  std::span<const std::uint64_t> allowed(State state);
  State after(State state, TokenId token);
  /// So much was kept that it is time for a new one.
  bool is_full();

 private:
  std::vector<std::uint64_t> compute(State state);

  std::mutex mutex_;
  GrammarAutomaton automaton_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const std::shared_ptr<const TokenTrie> trie_;
  std::unordered_map<State, std::vector<std::uint64_t>> masks_;
  std::vector<State> path_;  // states along the trie, reused
};

/// Keeps one text to a grammar: the text is one that matches from beginning to end.
class GrammarConstraint : public TokenConstraint {
 public:
  explicit GrammarConstraint(std::shared_ptr<GrammarMasks> masks);

  std::span<const std::uint64_t> allowed() override;
  void accept(TokenId token) override;
  std::unique_ptr<TokenConstraint> fresh() const override;

 private:
  const std::shared_ptr<GrammarMasks> origin_;
  std::shared_ptr<GrammarMasks> masks_;
  GrammarMasks::State state_;
};

}  // namespace sw
