#include "state/state.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "ops/ops.hpp"

namespace sw {
namespace {

ModelSpec attention_model() {
  Attention attention;
  attention.n_heads = attention.kv_heads = 1;
  attention.head_dim = 8;
  BlockSpec block;
  block.mixer = attention;
  ModelSpec spec;
  spec.blocks = {block};
  return spec;
}

ModelSpec recurrent_model() {
  Mamba mamba;
  mamba.inner = 4;
  mamba.state = 2;
  mamba.conv = 3;
  BlockSpec block;
  block.mixer = mamba;
  ModelSpec spec;
  spec.blocks = {block};
  return spec;
}

StatePool pool_of(const ModelSpec& spec, int max_tokens, int max_sequences) {
  return StatePool::create(spec, {.max_tokens = max_tokens, .max_sequences = max_sequences}).value();
}

void write(StatePool& pool, SequenceId sequence, int n_tokens) {
  ASSERT_TRUE(pool.reserve(sequence, n_tokens));
  pool.advance(sequence, n_tokens);
}

TEST(StatePool, fork_takes_no_blocks_until_it_writes) {
  StatePool pool = pool_of(attention_model(), 8 * kv_block, 2);
  const SequenceId first = pool.open().value();
  write(pool, first, 2 * kv_block + 5);
  const int free = pool.blocks().free();
  const SequenceId second = pool.fork(first).value();
  EXPECT_EQ(pool.blocks().free(), free);
  EXPECT_EQ(pool.length(second), 2 * kv_block + 5);
}

TEST(StatePool, writing_into_a_shared_block_leaves_the_others_as_they_are) {
  StatePool pool = pool_of(attention_model(), 8 * kv_block, 2);
  const SequenceId first = pool.open().value();
  write(pool, first, kv_block + 5);
  std::memset(pool.blocks().at(pool.blocks_of(first)[1]), 7, pool.block_bytes());
  const SequenceId second = pool.fork(first).value();
  ASSERT_TRUE(pool.reserve(second, 1));
  const std::int32_t theirs = pool.blocks_of(first)[1], own = pool.blocks_of(second)[1];
  EXPECT_NE(own, theirs);
  EXPECT_EQ(std::memcmp(pool.blocks().at(own), pool.blocks().at(theirs), pool.block_bytes()), 0);
  EXPECT_EQ(pool.blocks_of(second)[0], pool.blocks_of(first)[0]);
  ASSERT_TRUE(pool.reserve(first, 1));
  EXPECT_EQ(pool.blocks_of(first)[1], theirs);  // nobody else holds it any more
}

TEST(StatePool, blocks_are_free_when_the_last_sequence_that_shares_them_closes) {
  StatePool pool = pool_of(attention_model(), 8 * kv_block, 2);
  const int free = pool.blocks().free();
  const SequenceId first = pool.open().value();
  write(pool, first, 3 * kv_block);
  const SequenceId second = pool.fork(first).value();
  pool.close(first);
  EXPECT_EQ(pool.blocks().free(), free - 3);
  pool.close(second);
  EXPECT_EQ(pool.blocks().free(), free);
}

TEST(StatePool, reserving_more_than_there_is_takes_nothing) {
  StatePool pool = pool_of(attention_model(), 2 * kv_block, 1);
  const SequenceId sequence = pool.open().value();
  EXPECT_FALSE(pool.reserve(sequence, 3 * kv_block));
  EXPECT_EQ(pool.blocks().free(), 2);
  EXPECT_TRUE(pool.reserve(sequence, 2 * kv_block));
}

TEST(StatePool, fork_of_a_recurrent_state_is_a_copy) {
  StatePool pool = pool_of(recurrent_model(), 8, 2);
  const SequenceId first = pool.open().value();
  pool.recurrent(first, 0)[0] = 1;
  pool.advance(first, 3);
  const SequenceId second = pool.fork(first).value();
  pool.recurrent(first, 0)[0] = 2;
  EXPECT_EQ(pool.recurrent(second, 0)[0], 1);
  EXPECT_EQ(pool.length(second), 3);
}

TEST(StatePool, opened_sequence_has_forgotten_what_its_place_held) {
  StatePool pool = pool_of(recurrent_model(), 8, 1);
  const SequenceId first = pool.open().value();
  pool.recurrent(first, 0)[0] = 1;
  pool.close(first);
  EXPECT_EQ(pool.recurrent(pool.open().value(), 0)[0], 0);
  EXPECT_FALSE(pool.open());
}

TEST(StatePool, takes_the_bits_of_its_type_for_each_number_and_its_scales) {
  ModelSpec spec = attention_model();
  std::get<Attention>(spec.blocks[0].mixer).head_dim = 64;
  // 64 numbers of a key, 64 of a value; 16 bits for the scale of every 32, in q4 16 more for their minimum.
  for (const auto& [type, bits] : {std::pair(KvType::f32, 128 * 32),
                                   {KvType::f16, 128 * 16},
                                   {KvType::bf16, 128 * 16},
                                   {KvType::q8, 128 * 8 + 4 * 16},
                                   {KvType::q4, 128 * 4 + 4 * 32}})
    EXPECT_EQ(StatePool::create(spec, {.kv_type = type})->bytes_per_token() * 8, bits) << name(type);
}

TEST(StatePool, refuses_heads_whose_keys_do_not_fill_bytes) {
  ModelSpec spec = attention_model();
  std::get<Attention>(spec.blocks[0].mixer).head_dim = 33;
  EXPECT_TRUE(StatePool::create(spec, {.kv_type = KvType::q8}));
  for (const KvType type : {KvType::q4, KvType::bf16}) {
    const auto pool = StatePool::create(spec, {.kv_type = type});
    ASSERT_FALSE(pool) << name(type);
    EXPECT_NE(pool.error().message().find("33 dimensions"), std::string::npos);
  }
}

}  // namespace
}  // namespace sw
