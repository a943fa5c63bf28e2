#include "state/prefix_tree.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "ops/ops.hpp"

namespace sw {
namespace {

using Text = std::vector<TokenId>;

StatePool pool_of_blocks(int blocks) {
  Attention attention;
  attention.n_heads = attention.kv_heads = 1;
  attention.head_dim = 8;
  BlockSpec block;
  block.mixer = attention;
  ModelSpec spec;
  spec.blocks = {block};
  return StatePool::create(spec, {.max_tokens = std::int64_t{blocks} * kv_block, .max_sequences = 1}).value();
}

std::size_t common_length(const Text& a, const Text& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// A tree whose blocks are known by the text that ends with them, in place of keys and values.
struct Library {
  StatePool pool;
  PrefixTree tree{pool, PrefixKey::of_model("model")};
  std::map<std::int32_t, Text> ends;

  explicit Library(int blocks) : pool(pool_of_blocks(blocks)) {}

  /// Reads a text as a sequence would, whose blocks are released after it; false when there is no room.
  bool read(const Text& text) {
    std::vector<std::int32_t> blocks;
    bool room = true;
    for (std::size_t end = kv_block; room && end < text.size() + kv_block; end += kv_block) {
      if (pool.blocks().free() == 0) tree.free_blocks(1);
      const std::int32_t block = pool.blocks().take();
      room = block != Slots::none;
      if (!room) break;
      blocks.push_back(block);
      ends[block] = Text(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(end, text.size())));
    }
    if (room) tree.insert(text, blocks, Slots::none, true);
    for (const std::int32_t block : blocks) pool.blocks().release(block);
    return room;
  }

  /// How far the tree knows a text; fails where a block of the match belongs to another text.
  std::size_t known(const Text& text) {
    const PrefixTree::Match match = tree.match(text);
    const auto length = static_cast<std::size_t>(match.length);
    EXPECT_EQ(match.blocks.size(), (length + kv_block - 1) / kv_block);
    for (std::size_t i = 0; i < match.blocks.size(); ++i)
      EXPECT_GE(common_length(ends.at(match.blocks[i]), text), std::min(length, (i + 1) * kv_block));
    return length;
  }
};

Text text_of(int n, TokenId first = 0) {
  Text text;
  for (int i = 0; i < n; ++i) text.push_back(first + i);
  return text;
}

/// Texts of which most begin as another one does.
rc::Gen<std::vector<Text>> texts() {
  return rc::gen::exec([] {
    std::vector<Text> texts;
    const int n = *rc::gen::inRange(1, 12);
    for (int i = 0; i < n; ++i) {
      Text text;
      if (i > 0) {
        const Text& other = texts[static_cast<std::size_t>(*rc::gen::inRange(0, i))];
        text.assign(other.begin(), other.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(other) + 1));
      }
      const int more = *rc::gen::inRange(1, 80);
      for (int t = 0; t < more; ++t) text.push_back(*rc::gen::inRange(0, 2));
      texts.push_back(text);
    }
    return texts;
  });
}

RC_GTEST_PROP(PrefixTree, knows_the_longest_beginning_of_a_text_that_was_read, ()) {
  const std::vector<Text> all = *texts();
  Library library(1000);
  std::vector<Text> known;
  for (const Text& text : all) {
    std::size_t longest = 0;
    for (const Text& other : known) longest = std::max(longest, common_length(other, text));
    RC_ASSERT(library.known(text) == longest);
    RC_ASSERT(library.read(text));
    known.push_back(text);
  }
}

RC_GTEST_PROP(PrefixTree, what_it_knows_is_right_when_memory_is_short, ()) {
  const std::vector<Text> all = *texts();
  Library library(12);
  for (const Text& text : all) {
    library.known(text);
    if (library.read(text)) RC_ASSERT(library.known(text) == text.size());
    RC_ASSERT(library.pool.blocks().free() + library.tree.blocks() == library.pool.blocks().total());
  }
  library.tree.free_blocks(12);
  RC_ASSERT(library.tree.blocks() == 0);
}

TEST(PrefixTree, least_recently_used_text_is_let_go_first) {
  Library library(4);
  ASSERT_TRUE(library.read(text_of(64, 0)));
  ASSERT_TRUE(library.read(text_of(64, 1000)));
  EXPECT_EQ(library.known(text_of(64, 0)), 64u);
  ASSERT_TRUE(library.tree.free_blocks(2));
  EXPECT_EQ(library.known(text_of(64, 0)), 64u);
  EXPECT_EQ(library.known(text_of(64, 1000)), 0u);
}

TEST(PrefixTree, text_is_let_go_from_its_end) {
  Library library(4);
  ASSERT_TRUE(library.read(text_of(128)));
  ASSERT_TRUE(library.tree.free_blocks(1));
  EXPECT_EQ(library.known(text_of(128)), 96u);
}

TEST(PrefixTree, blocks_that_a_sequence_holds_are_not_let_go) {
  Library library(4);
  ASSERT_TRUE(library.read(text_of(128)));
  const auto match = library.tree.match(text_of(128));
  for (const std::int32_t block : match.blocks) library.pool.blocks().share(block);
  EXPECT_FALSE(library.tree.free_blocks(1));
  EXPECT_EQ(library.known(text_of(128)), 128u);
}

}  // namespace
}  // namespace sw
