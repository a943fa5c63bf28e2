#include "state/prefix_tree.hpp"

#include <algorithm>

#include "ops/ops.hpp"

namespace sw {

namespace {

using Tokens = std::span<const TokenId>;

struct InOrder {
  using is_transparent = void;
  bool operator()(Tokens a, Tokens b) const { return std::ranges::lexicographical_compare(a, b); }
};

std::size_t common_length(Tokens a, Tokens b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

Tokens first_block(Tokens tokens) {
  return tokens.first(std::min<std::size_t>(tokens.size(), kv_block));
}

}  // namespace

struct PrefixTree::Node {
  Node* parent = nullptr;
  PrefixKey key;
  std::int32_t block = Slots::none, snapshot = Slots::none;
  std::map<std::vector<TokenId>, std::unique_ptr<Node>, InOrder> children;
  decltype(children)::iterator in_parent;
  std::list<Node*>::iterator in_use;

  Tokens tokens() const { return in_parent->first; }

  Node* child(Tokens tokens) const {
    const auto found = children.find(tokens);
    return found == children.end() ? nullptr : found->second.get();
  }
  /// The child whose tokens begin most like `tokens`. Sorted texts with a long common beginning are neighbours.
  Node* most_alike(Tokens tokens) const {
    const auto after = children.lower_bound(tokens);
    Node* best = nullptr;
    if (after != children.end()) best = after->second.get();
    if (after != children.begin()) {
      Node* before = std::prev(after)->second.get();
      if (!best || common_length(before->tokens(), tokens) > common_length(best->tokens(), tokens)) best = before;
    }
    return best;
  }
};

PrefixTree::PrefixTree(StatePool& state, const PrefixKey& root) : state_(state), root_(std::make_unique<Node>()) {
  root_->key = root;
}

PrefixTree::~PrefixTree() {
  for (Node* node : by_use_) {
    if (node->block != Slots::none) state_.blocks().release(node->block);
    if (node->snapshot != Slots::none) state_.recurrent_states().release(node->snapshot);
  }
}

PrefixTree::Match PrefixTree::match(Tokens tokens) {
  const bool recurrent = state_.bytes_per_sequence() > 0;
  Match match;
  std::vector<std::int32_t> blocks;
  Node *node = root_.get(), *last = root_.get();
  std::size_t position = 0;
  const auto take = [&](Node* next, std::size_t n) {
    position += n;
    if (next->block != Slots::none) blocks.push_back(next->block);
    if (recurrent && next->snapshot == Slots::none) return;
    match = {static_cast<int>(position), blocks, next->snapshot};
    last = next;
  };
  while (position < tokens.size()) {
    const Tokens wanted = first_block(tokens.subspan(position));
    if (Node* whole = wanted.size() == kv_block ? node->child(wanted) : nullptr) {
      take(whole, kv_block);
      node = whole;
      continue;
    }
    if (!recurrent) {
      Node* alike = node->most_alike(wanted);
      const std::size_t common = alike ? common_length(alike->tokens(), wanted) : 0;
      if (common > 0) take(alike, common);
    } else {
      for (std::size_t n = wanted.size(); n > 0; --n)
        if (Node* end = node->child(wanted.first(n)); end && end->snapshot != Slots::none) {
          take(end, n);
          break;
        }
    }
    break;
  }
  touch(last);
  return match;
}

std::vector<PrefixTree::Block> PrefixTree::insert(Tokens tokens, std::span<std::int32_t> blocks, std::int32_t snapshot,
                                                  bool with_rest) {
  std::vector<Block> whole;
  Node* node = root_.get();
  for (std::size_t position = 0; position < tokens.size();) {
    const Tokens here = first_block(tokens.subspan(position));
    if (here.size() < kv_block && !with_rest) break;
    std::int32_t* const block = blocks.empty() ? nullptr : &blocks[position / kv_block];
    Node* next = node->child(here);
    if (next && block && *block != next->block) {
      state_.blocks().share(next->block);
      state_.blocks().release(*block);
      *block = next->block;
    }
    if (!next) {
      const Node* alike = node->most_alike(here);
      const bool covered = alike && common_length(alike->tokens(), here) == here.size();
      if (covered && snapshot == Slots::none) break;  // a longer block serves as well
      next = add_child(*node, here, block ? *block : Slots::none);
    }
    node = next;
    position += here.size();
    if (snapshot != Slots::none && position == tokens.size()) hold_snapshot(*node, snapshot);
    if (here.size() == kv_block) whole.push_back({node->key, node->block, node->snapshot});
  }
  touch(node);
  return whole;
}

std::vector<PrefixTree::Block> PrefixTree::find(Tokens tokens) const {
  std::vector<Block> whole;
  const Node* node = root_.get();
  for (; tokens.size() >= kv_block; tokens = tokens.subspan(kv_block)) {
    node = node->child(first_block(tokens));
    if (!node) break;
    whole.push_back({node->key, node->block, node->snapshot});
  }
  return whole;
}

void PrefixTree::for_each(const std::function<void(const Block&, int depth)>& f) const {
  for (const Node* node : by_use_) {
    if (node->tokens().size() < kv_block) continue;
    int depth = -1;
    for (const Node* n = node; n != root_.get(); n = n->parent) ++depth;
    f({node->key, node->block, node->snapshot}, depth);
  }
}

PrefixTree::Node* PrefixTree::add_child(Node& parent, Tokens tokens, std::int32_t block) {
  drop_short_ends(parent, tokens);
  auto node = std::make_unique<Node>();
  node->parent = &parent;
  node->key = parent.key.followed_by(tokens);
  node->block = block;
  if (block != Slots::none) {
    state_.blocks().share(block);
    ++n_blocks_;
  }
  node->in_use = by_use_.insert(by_use_.end(), node.get());
  Node* added = node.get();
  added->in_parent = parent.children.emplace(std::vector<TokenId>(tokens.begin(), tokens.end()), std::move(node)).first;
  return added;
}

void PrefixTree::drop_short_ends(Node& parent, Tokens tokens) {
  const auto after = parent.children.lower_bound(tokens);
  if (after == parent.children.begin()) return;
  Node* before = std::prev(after)->second.get();
  const bool is_beginning = common_length(before->tokens(), tokens) == before->tokens().size();
  if (!is_beginning || before->snapshot != Slots::none) return;
  if (before->block != Slots::none) {
    state_.blocks().release(before->block);
    --n_blocks_;
  }
  by_use_.erase(before->in_use);
  parent.children.erase(before->in_parent);
}

void PrefixTree::hold_snapshot(Node& node, std::int32_t snapshot) {
  if (node.snapshot != Slots::none) return;
  state_.recurrent_states().share(snapshot);
  node.snapshot = snapshot;
  ++n_snapshots_;
}

void PrefixTree::drop_snapshot(Node& node) {
  if (node.snapshot == Slots::none) return;
  state_.recurrent_states().release(node.snapshot);
  node.snapshot = Slots::none;
  --n_snapshots_;
}

void PrefixTree::touch(Node* node) {
  // The beginning of a text is moved last: it must outlive its ends.
  for (; node != root_.get(); node = node->parent) by_use_.splice(by_use_.end(), by_use_, node->in_use);
}

void PrefixTree::remove(Node* node) {
  while (node != root_.get() && node->children.empty()) {
    Node* parent = node->parent;
    drop_snapshot(*node);
    if (node->block != Slots::none) {
      state_.blocks().release(node->block);
      --n_blocks_;
    }
    by_use_.erase(node->in_use);
    parent->children.erase(node->in_parent);
    node = parent;
    if (node->block != Slots::none || node->snapshot != Slots::none) break;
  }
}

bool PrefixTree::free_blocks(int n) {
  const int wanted = state_.blocks().free() + n;
  for (auto it = by_use_.begin(); it != by_use_.end() && state_.blocks().free() < wanted;) {
    Node* node = *it++;
    if (!node->children.empty() || node->block == Slots::none || state_.blocks().is_shared(node->block)) continue;
    remove(node);
    // Ancestors lie after their ends in the order of use, so they are met in this same pass.
  }
  return state_.blocks().free() >= wanted;
}

bool PrefixTree::free_snapshot() {
  for (Node* node : by_use_) {
    if (node->snapshot == Slots::none || state_.recurrent_states().is_shared(node->snapshot)) continue;
    drop_snapshot(*node);
    if (node->children.empty() && node->block == Slots::none) remove(node);
    return true;
  }
  return false;
}

}  // namespace sw
