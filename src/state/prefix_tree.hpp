#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "state/prefix_key.hpp"
#include "state/state.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// Texts that were read, and the state they left: a radix tree (RadixAttention: Zheng et al. 2024) whose nodes are
/// blocks of kv_block tokens. A text's last block may be shorter; nothing follows it. A node holds the KV block of its
/// tokens where the model has attention layers, and maybe the recurrent state after its last token. Least recently used
/// nodes are let go first, ends of texts before their beginnings.
class PrefixTree {
 public:
  struct Node;

  /// `state` must outlive the tree. `root` names the empty text.
  PrefixTree(StatePool& state, const PrefixKey& root);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  /// What a sequence that continues the match begins with (StatePool::adopt). Valid until the tree changes.
  struct Match {
    int length = 0;  ///< tokens; may end inside the last block
    std::vector<std::int32_t> blocks;
    std::int32_t snapshot = Slots::none;
  };
  /// The longest known beginning of `tokens` from which a sequence can go on. It counts as used.
  Match match(std::span<const TokenId> tokens);

  /// A whole block of a text: the key of the text up to its end, and the tree's own slots.
  struct Block {
    PrefixKey key;
    std::int32_t block = Slots::none, snapshot = Slots::none;
  };
  /// Remembers that `tokens` left `blocks` and, after the last one, `snapshot` (or none); the tree shares the slots.
  /// Blocks that were known already are replaced in `blocks` by those of the tree, which have the same content. A short
  /// last block is remembered only `with_rest`. Returns the whole blocks of the text.
  std::vector<Block> insert(std::span<const TokenId> tokens, std::span<std::int32_t> blocks, std::int32_t snapshot,
                            bool with_rest);

  /// The whole blocks that a text of these tokens begins with and which are here, in order.
  std::vector<Block> find(std::span<const TokenId> tokens) const;

  /// Every whole block of every text, with the number of blocks before it.
  void for_each(const std::function<void(const Block&, int depth)>& f) const;

  /// Lets go of least recently used nodes until `n` blocks have become free; false when no more can.
  bool free_blocks(int n);
  /// The same for one recurrent state.
  bool free_snapshot();

  int blocks() const { return n_blocks_; }        ///< held by the tree
  int snapshots() const { return n_snapshots_; }  ///< held by the tree

 private:
  void touch(Node* node);
  Node* add_child(Node& parent, std::span<const TokenId> tokens, std::int32_t block);
  /// Short ends that `tokens` goes beyond are never matched again.
  void drop_short_ends(Node& parent, std::span<const TokenId> tokens);
  void hold_snapshot(Node& node, std::int32_t snapshot);
  void drop_snapshot(Node& node);
  /// Removes a childless node, and its ancestors as far as they hold nothing and have no other child.
  void remove(Node* node);

  StatePool& state_;
  std::unique_ptr<Node> root_;
  std::list<Node*> by_use_;  // least recent first
  int n_blocks_ = 0, n_snapshots_ = 0;
};

}  // namespace sw
