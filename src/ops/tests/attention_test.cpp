#include <algorithm>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::Aligned;
using testing::EveryTable;
using testing::first_difference;
using testing::Random;

float bf16(float value) {
  return bf16_to_f32(f32_to_bf16(value));
}

/// What a type makes of the numbers of one position of one head, by its definition.
std::vector<float> stored_as(KvType type, std::vector<float> x) {
  if (type == KvType::f16)
    for (float& value : x) value = f16_to_f32(f32_to_f16(value));
  if (type == KvType::bf16)
    for (float& value : x) value = bf16(value);
  if (type != KvType::q8 && type != KvType::q4) return x;
  for (std::size_t begin = 0; begin < x.size(); begin += 32) {
    const std::span group(x.begin() + static_cast<std::ptrdiff_t>(begin), std::min<std::size_t>(32, x.size() - begin));
    const auto [low, high] = std::ranges::minmax(group);
    const float minimum = type == KvType::q4 ? bf16(low) : 0;
    const float scale = bf16(type == KvType::q4 ? (high - low) / 15 : std::max(high, -low) / 127);
    const float least = type == KvType::q4 ? 0 : -127, most = type == KvType::q4 ? 15 : 127;
    for (float& value : group)
      value = scale == 0 ? minimum
                         : minimum + scale * std::clamp(std::nearbyint((value - minimum) * (1 / scale)), least, most);
  }
  return x;
}

/// One sequence whose keys and values lie in shuffled blocks of a pool with foreign blocks between them.
struct Sequence {
  int positions, head_dim;
  KvType type;
  bool rounds;                      ///< queries and weights to BF16, as its dot products take them
  std::vector<float> keys, values;  ///< [positions, head_dim] as stored
  std::vector<std::int32_t> blocks;
  std::size_t stride;
  Aligned<std::byte> pool;

  Sequence(const Kernels& table, int n_positions, int dim, KvType kv_type, Random& random, float garbage = 1.0f)
      : positions(n_positions),
        head_dim(dim),
        type(kv_type),
        rounds(table.bf16_dot && kv_type == KvType::bf16),
        keys(random.normals(n_positions * dim)),
        values(random.normals(n_positions * dim)),
        blocks(static_cast<std::size_t>((n_positions + kv_block - 1) / kv_block)),
        stride(KvLayout{kv_type, dim}.bytes() + 128),
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
      std::ranges::copy(stored_as(type, {k, k + dim}), k);
      std::ranges::copy(stored_as(type, {v, v + dim}), v);
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

  /// A result, and how far from it rounded weights may lead.
  struct Exact {
    double value, rounding;
  };

  /// Softmax in double precision, straight from the definition: [n, group, head_dim].
  std::vector<Exact> exact() const {
    const auto dim = static_cast<std::size_t>(sequence.head_dim);
    std::vector<Exact> out;
    for (int i = 0; i < n; ++i)
      for (int head = 0; head < group; ++head) {
        const float* query = &q[static_cast<std::size_t>(i * stride() + head * sequence.head_dim)];
        const int position = sequence.positions - n + i;
        const int from = window > 0 ? std::max(0, position - window + 1) : 0;
        std::vector<double> weighted(dim), sizes(dim);
        double total = 0;
        for (int key = from; key <= position; ++key) {
          double score = 0;
          for (std::size_t d = 0; d < dim; ++d)
            score += double{sequence.rounds ? bf16(query[d]) : query[d]} *
                     sequence.keys[static_cast<std::size_t>(key) * dim + d];
          score *= scale();
          if (softcap > 0) score = softcap * std::tanh(score / softcap);
          const double weight = std::exp(score);
          total += weight;
          for (std::size_t d = 0; d < dim; ++d) {
            const double value = sequence.values[static_cast<std::size_t>(key) * dim + d];
            weighted[d] += weight * value;
            sizes[d] += weight * std::fabs(value);
          }
        }
        for (std::size_t d = 0; d < dim; ++d)
          out.push_back({weighted[d] / total, sequence.rounds ? 0x1p-8 * sizes[d] / total : 0});
      }
    return out;
  }
};

class Attention : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Attention, testing::every_table, testing::table_name);

constexpr KvType all_types[] = {KvType::f32, KvType::f16, KvType::bf16, KvType::q8, KvType::q4};

void expect_exact(const Queries& queries, const std::vector<float>& got) {
  const std::vector<Queries::Exact> expected = queries.exact();
  const auto row = static_cast<std::size_t>(queries.group * queries.sequence.head_dim);
  // What a score rounds by grows with the root of its summands. In F32 and F16 even those of 256 stay below.
  const KvType type = queries.sequence.type;
  const double growth = std::max(1.0, std::sqrt(queries.sequence.head_dim / 128.0));
  const double tolerance = 5e-6 * (type == KvType::f32 || type == KvType::f16 ? 1 : growth);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::size_t query = i / static_cast<std::size_t>(queries.stride()),
                      column = i % static_cast<std::size_t>(queries.stride());
    if (column >= row) {
      ASSERT_EQ(got[i], 0.625f) << "wrote outside its rows";
    } else {
      const auto& [value, rounding] = expected[query * row + column];
      ASSERT_NEAR(got[i], value, tolerance + rounding)
          << "query " << query << " of " << queries.n << " column " << column << ", " << queries.sequence.positions
          << " positions, group " << queries.group << ", head_dim " << queries.sequence.head_dim << ", window "
          << queries.window << ", softcap " << queries.softcap << ", " << name(queries.sequence.type);
    }
  }
}

TEST_P(Attention, is_the_softmax_of_the_visible_scores) {
  for (const KvType type : all_types) {
    Random random(1);  // every type is asked the same
    for (const int head_dim : {16, 40, 48, 64, 80, 96, 128, 256})
      for (const auto& [positions, n] : {std::pair(1, 1), {31, 31}, {33, 1}, {70, 40}, {300, 17}}) {
        const Sequence sequence(table(), positions, head_dim, type, random);
        for (const int window : {0, 1, 20, 64}) {
          const Queries queries(sequence, n, random.integer(1, 7), window, random.integer(0, 2) ? 0.0f : 5.0f, random);
          expect_exact(queries, queries.attend(table()));
        }
      }
  }
}

TEST_P(Attention, is_the_softmax_of_the_visible_scores_over_several_splits) {
  Random random(2);
  for (const KvType type : all_types)
    for (const auto& [positions, n] :
         {std::pair(kv_split, 2), {kv_split + 1, 3}, {2 * kv_split + 100, 18}, {3 * kv_split, 1}}) {
      const Sequence sequence(table(), positions, 32, type, random);
      for (const int window : {0, 50, kv_split + 40}) {
        const Queries queries(sequence, n, 2, window, 0, random);
        expect_exact(queries, queries.attend(table()));
      }
    }
}

TEST_P(Attention, of_a_query_does_not_depend_on_the_queries_beside_it) {
  Random random(3);
  for (const KvType type : all_types)
    for (const auto& [positions, n] : {std::pair(90, 50), {kv_split + 20, 45}}) {
      const Sequence sequence(table(), positions, 48, type, random);
      for (const int window : {0, 24})
        for (const int group : {1, 3, 7}) {
          const Queries queries(sequence, n, group, window, 0, random);
          const std::vector<float> together = queries.attend(table());
          const Aligned<float> scratch = queries.scratch();
          for (const int chunk : {1, 5, 16}) {
            std::vector<float> apart(together.size(), 0.625f);
            for (int begin = 0; begin < n; begin += chunk)
              table().attention(queries.args(begin, std::min(chunk, n - begin), apart.data(), scratch.get()));
            ASSERT_EQ(first_difference(together, apart), -1)
                << name(type) << ", " << positions << " positions, window " << window << ", group " << group
                << ", chunks of " << chunk;
          }
        }
    }
}

TEST_P(Attention, merged_from_its_splits_is_the_same) {
  Random random(4);
  constexpr int positions = 3 * kv_split + 77, n = 3, group = 2, head_dim = 80;
  for (const auto& [type, window] : {std::pair(KvType::f16, 0),
                                     {KvType::f16, 500},
                                     {KvType::f16, kv_split + 40},
                                     {KvType::bf16, kv_split + 40},
                                     {KvType::q8, kv_split + 40},
                                     {KvType::q4, kv_split + 40}}) {
    const Sequence sequence(table(), positions, head_dim, type, random);
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
    EXPECT_EQ(first_difference(whole, merged), -1) << name(type) << ", window " << window;
  }
}

TEST_P(Attention, does_not_see_what_lies_in_unused_slots) {
  for (const KvType type : all_types)
    for (const int window : {0, 20})
      for (const float garbage : {-60000.0f, std::numeric_limits<float>::quiet_NaN()}) {
        Random one(5), other(5);
        const Sequence clean(table(), 45, 64, type, one, 0.0f), dirty(table(), 45, 64, type, other, garbage);
        const Queries a(clean, 9, 2, window, 0, one), b(dirty, 9, 2, window, 0, other);
        EXPECT_EQ(first_difference(a.attend(table()), b.attend(table())), -1) << name(type) << ", " << garbage;
      }
}

TEST_P(Attention, survives_scores_of_any_size) {
  Random random(6);
  for (const KvType type : all_types) {
    const Sequence sequence(table(), 100, 64, type, random);
    for (const float size : {0.0f, 1e-20f, 1e4f, 1e15f}) {
      Queries queries(sequence, 20, 2, 0, 0, random);
      for (float& v : queries.q) v *= size;
      for (const float v : queries.attend(table())) {
        ASSERT_TRUE(std::isfinite(v)) << name(type);
        ASSERT_LT(std::fabs(v), 6) << name(type);  // an average of normal values
      }
    }
  }
}

TEST_P(Attention, stores_the_bits_of_the_reference) {
  Random random(7);
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const KvType type : all_types)
    for (const int head_dim : {16, 40, 64, 80}) {
      const auto bytes = static_cast<std::int64_t>(KvLayout{type, head_dim}.bytes() + 64);
      const Aligned<std::byte> got(bytes), expected(bytes);
      for (int slot = 0; slot < kv_block; ++slot) {
        auto k = random.normals(head_dim, 100), v = random.normals(head_dim, 1e-5f);
        if (slot == 3) std::ranges::fill(k, 0.0f), std::ranges::fill(v, -0.0f);
        if (slot == 4) std::ranges::fill(k, 5.3f), std::ranges::fill(v, -5.3f);
        if (slot == 5) k[3] = 3e38f, v[5] = -3e38f, v[6] = 3e38f;
        if (slot == 6) k[3] = inf, v[5] = -inf;
        if (slot == 7) k[3] = nan, v[static_cast<std::size_t>(head_dim) - 1] = nan;
        if (slot == 8) k = random.normals(head_dim, 1e-36f), v = random.normals(head_dim, 1e-42f);
        table().store_kv(k.data(), v.data(), head_dim, slot, type, got.get());
        reference().store_kv(k.data(), v.data(), head_dim, slot, type, expected.get());
      }
      EXPECT_TRUE(std::ranges::equal(got.span(), expected.span())) << name(type) << ", head_dim " << head_dim;
    }
}

}  // namespace
}  // namespace sw
