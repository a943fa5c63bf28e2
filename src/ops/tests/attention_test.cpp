#include <algorithm>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::Aligned;
using testing::EveryTable;
using testing::first_difference;
using testing::Random;

/// One sequence whose keys and values lie in shuffled blocks of a pool with foreign blocks between them.
struct Sequence {
  int positions, head_dim;
  KvType type;
  std::vector<float> keys, values;  ///< [positions, head_dim] as stored
  std::vector<std::int32_t> blocks;
  std::size_t stride;
  Aligned<std::byte> pool;

  Sequence(const Kernels& table, int n_positions, int dim, KvType kv_type, Random& random, float garbage = 1.0f)
      : positions(n_positions),
        head_dim(dim),
        type(kv_type),
        keys(random.normals(n_positions * dim)),
        values(random.normals(n_positions * dim)),
        blocks(static_cast<std::size_t>((n_positions + kv_block - 1) / kv_block)),
        stride(static_cast<std::size_t>(2 * kv_block * dim) * (kv_type == KvType::f32 ? 4 : 2) + 128),
        pool(static_cast<std::int64_t>(stride * 2 * blocks.size())) {
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::int32_t>(2 * i);
    for (std::size_t i = blocks.size(); i > 1; --i)
      std::swap(blocks[i - 1], blocks[static_cast<std::size_t>(random.integer(0, static_cast<int>(i) - 1))]);
    const std::vector<float> junk(static_cast<std::size_t>(dim), garbage);
    for (const std::int32_t block : blocks)
      for (int slot = 0; slot < kv_block; ++slot) table.store_kv(junk.data(), junk.data(), dim, slot, type, at(block));
    for (int position = 0; position < positions; ++position) {
      float* k = &keys[static_cast<std::size_t>(position * dim)];
      float* v = &values[static_cast<std::size_t>(position * dim)];
      table.store_kv(k, v, dim, position % kv_block, type, at(blocks[static_cast<std::size_t>(position / kv_block)]));
      if (type == KvType::f16)
        for (int d = 0; d < dim; ++d) k[d] = f16_to_f32(f32_to_f16(k[d])), v[d] = f16_to_f32(f32_to_f16(v[d]));
    }
  }
  std::byte* at(std::int32_t block) const { return pool.get() + static_cast<std::size_t>(block) * stride; }
};

/// The last `n` positions of a sequence ask.
struct Queries {
  const Sequence& sequence;
  int n, group;
  int window;
  float softcap;
  std::vector<float> q;

  Queries(const Sequence& s, int n_queries, int n_group, int n_window, float cap, Random& random)
      : sequence(s), n(n_queries), group(n_group), window(n_window), softcap(cap), q(random.normals(n * stride(), 2)) {}

  std::int64_t stride() const { return group * sequence.head_dim + 7; }
  float scale() const { return 1 / std::sqrt(static_cast<float>(sequence.head_dim)); }

  /// Queries [begin, begin + count) into `out`, laid out as q.
  AttentionArgs args(int begin, int count, float* out, float* scratch) const {
    return {.q = q.data() + begin * stride(),
            .q_stride = stride(),
            .out = out + begin * stride(),
            .out_stride = stride(),
            .n_queries = count,
            .group = group,
            .head_dim = sequence.head_dim,
            .first = sequence.positions - n + begin,
            .window = window,
            .scale = scale(),
            .softcap = softcap,
            .kv_type = sequence.type,
            .pool = sequence.pool.get(),
            .pool_stride = sequence.stride,
            .blocks = sequence.blocks.data(),
            .scratch = scratch};
  }
  Aligned<float> scratch() const {
    return Aligned<float>(static_cast<std::int64_t>(attention_scratch(group, sequence.head_dim)));
  }

  std::vector<float> attend(const Kernels& table) const {
    std::vector<float> out(q.size(), 0.625f);
    table.attention(args(0, n, out.data(), scratch().get()));
    return out;
  }

  /// Softmax in double precision, straight from the definition: [n, group, head_dim].
  std::vector<double> exact() const {
    const auto dim = static_cast<std::size_t>(sequence.head_dim);
    std::vector<double> out;
    for (int i = 0; i < n; ++i)
      for (int head = 0; head < group; ++head) {
        const float* query = &q[static_cast<std::size_t>(i * stride() + head * sequence.head_dim)];
        const int position = sequence.positions - n + i;
        const int from = window > 0 ? std::max(0, position - window + 1) : 0;
        std::vector<double> weighted(dim);
        double total = 0;
        for (int key = from; key <= position; ++key) {
          double score = 0;
          for (std::size_t d = 0; d < dim; ++d)
            score += double{query[d]} * sequence.keys[static_cast<std::size_t>(key) * dim + d];
          score *= scale();
          if (softcap > 0) score = softcap * std::tanh(score / softcap);
          const double weight = std::exp(score);
          total += weight;
          for (std::size_t d = 0; d < dim; ++d)
            weighted[d] += weight * sequence.values[static_cast<std::size_t>(key) * dim + d];
        }
        for (const double v : weighted) out.push_back(v / total);
      }
    return out;
  }
};

class Attention : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Attention, testing::every_table, testing::table_name);

void expect_exact(const Queries& queries, const std::vector<float>& got) {
  const std::vector<double> expected = queries.exact();
  const auto row = static_cast<std::size_t>(queries.group * queries.sequence.head_dim);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::size_t query = i / static_cast<std::size_t>(queries.stride()),
                      column = i % static_cast<std::size_t>(queries.stride());
    if (column >= row) {
      ASSERT_EQ(got[i], 0.625f) << "wrote outside its rows";
    } else {
      ASSERT_NEAR(got[i], expected[query * row + column], 5e-6)
          << "query " << query << " of " << queries.n << " column " << column << ", " << queries.sequence.positions
          << " positions, group " << queries.group << ", head_dim " << queries.sequence.head_dim << ", window "
          << queries.window << ", softcap " << queries.softcap;
    }
  }
}

TEST_P(Attention, is_the_softmax_of_the_visible_scores) {
  Random random(1);
  for (const KvType type : {KvType::f32, KvType::f16})
    for (const int head_dim : {16, 40, 48, 64, 80, 96, 128, 256})
      for (const auto& [positions, n] : {std::pair(1, 1), {31, 31}, {33, 1}, {70, 40}, {300, 17}}) {
        const Sequence sequence(table(), positions, head_dim, type, random);
        for (const int window : {0, 1, 20, 64}) {
          const Queries queries(sequence, n, random.integer(1, 7), window, random.integer(0, 2) ? 0.0f : 5.0f, random);
          expect_exact(queries, queries.attend(table()));
        }
      }
}

TEST_P(Attention, is_the_softmax_of_the_visible_scores_over_several_splits) {
  Random random(2);
  for (const auto& [positions, n] :
       {std::pair(kv_split, 2), {kv_split + 1, 3}, {2 * kv_split + 100, 18}, {3 * kv_split, 1}})
    for (const int window : {0, 50, kv_split + 40}) {
      const Sequence sequence(table(), positions, 32, KvType::f16, random);
      const Queries queries(sequence, n, 2, window, 0, random);
      expect_exact(queries, queries.attend(table()));
    }
}

TEST_P(Attention, of_a_query_does_not_depend_on_the_queries_beside_it) {
  Random random(3);
  for (const auto& [positions, n] : {std::pair(90, 50), {kv_split + 20, 45}})
    for (const int window : {0, 24})
      for (const int group : {1, 3, 7}) {
        const Sequence sequence(table(), positions, 48, KvType::f16, random);
        const Queries queries(sequence, n, group, window, 0, random);
        const std::vector<float> together = queries.attend(table());
        const Aligned<float> scratch = queries.scratch();
        for (const int chunk : {1, 5, 16}) {
          std::vector<float> apart(together.size(), 0.625f);
          for (int begin = 0; begin < n; begin += chunk)
            table().attention(queries.args(begin, std::min(chunk, n - begin), apart.data(), scratch.get()));
          ASSERT_EQ(first_difference(together, apart), -1)
              << positions << " positions, window " << window << ", group " << group << ", chunks of " << chunk;
        }
      }
}

TEST_P(Attention, merged_from_its_splits_is_the_same) {
  Random random(4);
  for (const int window : {0, 500, kv_split + 40}) {
    const int positions = 3 * kv_split + 77, n = 3, group = 2, head_dim = 64;
    const Sequence sequence(table(), positions, head_dim, KvType::f16, random);
    const Queries queries(sequence, n, group, window, 0, random);
    const std::vector<float> whole = queries.attend(table());
    std::vector<float> merged(whole.size(), 0.625f);
    const Aligned<float> scratch = queries.scratch();
    const AttentionArgs args = queries.args(0, n, merged.data(), scratch.get());
    constexpr std::int64_t n_splits = 4;
    const std::int64_t stride = n * group * partial_size(head_dim);
    std::vector<float> partials(static_cast<std::size_t>(n_splits * stride));
    for (std::int64_t split = n_splits; split-- > 0;)
      table().attention_split(args, split, partials.data() + split * stride);
    for (int i = 0; i < n; ++i)
      for (int head = 0; head < group; ++head)
        table().attention_merge(partials.data() + (i * group + head) * partial_size(head_dim), stride, n_splits,
                                head_dim, args.out + i * args.out_stride + head * head_dim);
    EXPECT_EQ(first_difference(whole, merged), -1) << "window " << window;
  }
}

TEST_P(Attention, does_not_see_what_lies_in_unused_slots) {
  for (const KvType type : {KvType::f32, KvType::f16})
    for (const int window : {0, 20}) {
      Random one(5), other(5);
      const Sequence clean(table(), 45, 64, type, one, 0.0f), dirty(table(), 45, 64, type, other, -60000.0f);
      const Queries a(clean, 9, 2, window, 0, one), b(dirty, 9, 2, window, 0, other);
      EXPECT_EQ(first_difference(a.attend(table()), b.attend(table())), -1);
    }
}

TEST_P(Attention, survives_scores_of_any_size) {
  Random random(6);
  for (const float size : {0.0f, 1e-20f, 1e4f, 1e15f}) {
    const Sequence sequence(table(), 100, 64, KvType::f32, random);
    Queries queries(sequence, 20, 2, 0, 0, random);
    for (float& v : queries.q) v *= size;
    for (const float v : queries.attend(table())) {
      ASSERT_TRUE(std::isfinite(v));
      ASSERT_LT(std::fabs(v), 6);  // an average of normal values
    }
  }
}

TEST_P(Attention, stores_the_bits_of_the_reference) {
  Random random(7);
  for (const KvType type : {KvType::f32, KvType::f16})
    for (const int head_dim : {16, 40, 64, 80}) {
      const auto bytes = static_cast<std::int64_t>(2 * kv_block * head_dim * (type == KvType::f32 ? 4 : 2) + 64);
      const Aligned<std::byte> got(bytes), expected(bytes);
      for (const int slot : {0, 1, 15, 16, 31}) {
        const auto k = random.normals(head_dim, 100), v = random.normals(head_dim, 1e-5f);
        table().store_kv(k.data(), v.data(), head_dim, slot, type, got.get());
        reference().store_kv(k.data(), v.data(), head_dim, slot, type, expected.get());
      }
      EXPECT_TRUE(std::ranges::equal(got.span(), expected.span()));
    }
}

}  // namespace
}  // namespace sw
