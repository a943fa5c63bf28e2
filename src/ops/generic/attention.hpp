// Attention over paged keys and values with an online softmax (Milakov & Gimelshein 2018; FlashAttention-2, Dao 2023).
//
// A tile of query heads passes over the blocks of 32 positions it can see; a lane is a key while scores are computed
// and a head dimension while values are summed. Every query head's arithmetic depends only on its own position: the
// tile it shares, and the keys others may not see, change nothing (a masked key weighs exactly 0). Keys are cut at
// multiples of kv_split positions; each part is softmaxed on its own and merged in ascending order.
#pragma once

#include <algorithm>
#include <utility>

#include "ops/generic/math.hpp"
#include "ops/generic/tiles.hpp"
#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw::generic {

template <class S, class Key>
typename S::F load_kv(const Key* at) {
  if constexpr (sizeof(Key) == 4)
    return S::load(at);
  else
    return S::load_f16(reinterpret_cast<const std::byte*>(at));
}

template <class S>
void store_kv(const float* k, const float* v, int head_dim, int slot, KvType type, std::byte* block) {
  const auto write = [&](auto* keys, auto encode) {
    auto* values = keys + kv_block * head_dim + slot * head_dim;
    keys += slot / 16 * head_dim * 16 + slot % 16;
    for (int d = 0; d < head_dim; ++d) {
      keys[d * 16] = encode(k[d]);
      values[d] = encode(v[d]);
    }
  };
  if (type == KvType::f32)
    write(reinterpret_cast<float*>(block), [](float x) { return x; });
  else
    write(reinterpret_cast<std::uint16_t*>(block), [](float x) { return f32_to_f16(x); });
}

/// Running softmax of a tile's rows; a row is one head of one query.
struct SoftmaxRows {
  float* scores;   ///< [rows][32]
  float* maximum;  ///< [rows]
  float* sum;      ///< [rows][16]: the weights' sum, lane by lane
  float* values;   ///< [rows][head_dim]: weighted sum of values
};

/// The lines of the next block's keys or values that `share` of the work on this one asks for, a few at a time: a burst
/// would fill the queue of misses and hold up the loads behind it.
template <class S>
void prefetch_share(const std::byte* next, std::int64_t from, std::int64_t to) {
  for (std::int64_t i = from; i < to; i += 64) S::prefetch(next + i);
}

/// scores[m][0..32) = q[m] · keys, for M rows. `next`: the keys after these, wanted soon.
template <class S, class Key, int M>
void score_tile(const Key* keys, const std::byte* next, const float* const* q, int head_dim, float* scores) {
  typename S::F acc[M][2];
  for (int m = 0; m < M; ++m) acc[m][0] = acc[m][1] = S::zero();
  const Key* second = keys + head_dim * 16;
  constexpr auto step = static_cast<std::int64_t>(kv_block * sizeof(Key));
  for (int d = 0; d < head_dim; ++d) {
    prefetch_share<S>(next, d * step, (d + 1) * step);
    const auto k0 = load_kv<S>(keys + d * 16), k1 = load_kv<S>(second + d * 16);
    for (int m = 0; m < M; ++m) {
      const auto value = S::broadcast(q[m] + d);
      acc[m][0] = S::fma(value, k0, acc[m][0]);
      acc[m][1] = S::fma(value, k1, acc[m][1]);
    }
  }
  for (int m = 0; m < M; ++m) {
    S::store(scores + m * kv_block, acc[m][0]);
    S::store(scores + m * kv_block + 16, acc[m][1]);
  }
}

/// values[m][d..d+16·D) += Σ weights[m][pos] · v[pos][d…], for M rows and D registers of dimensions. `next`: the values
/// after these.
template <class S, class Key, int M, int D>
void value_tile(const Key* v, const std::byte* next, const float* weights, int positions, int head_dim, float* values) {
  typename S::F acc[M][D];
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) acc[m][i] = S::load(values + m * head_dim + 16 * i);
  constexpr auto columns = static_cast<std::int64_t>(16 * D * sizeof(Key));
  const auto stride = static_cast<std::int64_t>(sizeof(Key)) * head_dim;
  for (int pos = 0; pos < positions; ++pos) {
    prefetch_share<S>(next, pos * stride, pos * stride + columns);
    typename S::F value[D];
    for (int i = 0; i < D; ++i) value[i] = load_kv<S>(v + pos * head_dim + 16 * i);
    for (int m = 0; m < M; ++m) {
      const auto weight = S::broadcast(weights + m * kv_block + pos);
      for (int i = 0; i < D; ++i) acc[m][i] = S::fma(weight, value[i], acc[m][i]);
    }
  }
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) S::store(values + m * head_dim + 16 * i, acc[m][i]);
}

/// Adds one row's 32 scores of the block starting at `base` to its softmax; keys outside [low, high] weigh 0.
template <class S>
void add_scores(const AttentionArgs& args, std::int64_t base, std::int64_t low, std::int64_t high, int row,
                const SoftmaxRows& rows) {
  using F = typename S::F;
  float* scores = rows.scores + row * kv_block;
  F s[2];
  for (int half = 0; half < 2; ++half) {
    s[half] = S::mul(S::load(scores + 16 * half), S::set(args.scale));
    if (args.softcap > 0)
      s[half] = S::mul(S::set(args.softcap), generic::tanh<S>(S::mul(s[half], S::set(1.0f / args.softcap))));
    const std::int64_t first = base + 16 * half;
    const int begin = static_cast<int>(std::clamp<std::int64_t>(low - first, 0, 16));
    const int end = static_cast<int>(std::clamp<std::int64_t>(high + 1 - first, 0, 16));
    if (begin > 0 || end < 16) s[half] = S::keep_lanes(s[half], begin, end, -__builtin_inff());
  }
  const float before = rows.maximum[row];
  const float maximum = std::max(before, S::max_lanes(S::max(s[0], s[1])));
  const F p0 = generic::exp<S>(S::sub(s[0], S::set(maximum))), p1 = generic::exp<S>(S::sub(s[1], S::set(maximum)));
  S::store(scores, p0);
  S::store(scores + 16, p1);
  F sum = S::load(rows.sum + row * 16);
  if (maximum > before) {
    const F decay = generic::exp<S>(S::set(before - maximum));
    sum = S::mul(sum, decay);
    float* values = rows.values + row * args.head_dim;
    for_lanes(args.head_dim,
              [&](long i, int n) { store_n<S>(values + i, S::mul(load_n<S>(values + i, n), decay), n); });
    rows.maximum[row] = maximum;
  }
  S::store(rows.sum + row * 16, S::add(sum, S::add(p0, p1)));
}

template <class S, class Key>
void values_of_rows(const Key* v, const std::byte* next, int n_rows, int positions, int head_dim, const SoftmaxRows& rows) {
  for_row_tiles<S::value_rows>(n_rows, [&]<int M>(std::int64_t row) {
    float* values = rows.values + row * head_dim;
    const float* weights = rows.scores + row * kv_block;
    int d = 0;
    for (; d + 16 * S::value_registers <= head_dim; d += 16 * S::value_registers)
      value_tile<S, Key, M, S::value_registers>(v + d, next + d * sizeof(Key), weights, positions, head_dim, values + d);
    for (; d + 16 <= head_dim; d += 16) 
      value_tile<S, Key, M, 1>(v + d, next + d * sizeof(Key), weights, positions, head_dim, values + d);
    for (; d < head_dim; ++d)
      for (int m = 0; m < M; ++m)
        for (int pos = 0; pos < positions; ++pos) {
          float value;
          if constexpr (sizeof(Key) == 4)
            value = v[pos * head_dim + d];
          else
            value = f16_to_f32(v[pos * head_dim + d]);
          values[m * head_dim + d] = __builtin_fmaf(weights[m * kv_block + pos], value, values[m * head_dim + d]);
        }
  });
}

/// Softmax over the keys of one split for queries [begin, end) of the call: fills `rows`.
template <class S, class Key>
void attend_split(const AttentionArgs& args, int begin, int end, std::int64_t split, const SoftmaxRows& rows,
                  const float** q) {
  const int n_rows = (end - begin) * args.group;
  for (int row = 0; row < n_rows; ++row) {
    rows.maximum[row] = -1e30f;  // finite, so that a block without visible keys leaves a row as it was
    S::store(rows.sum + row * 16, S::zero());
    q[row] = args.q + (begin + row / args.group) * args.q_stride + row % args.group * args.head_dim;
  }
  std::fill_n(rows.values, n_rows * args.head_dim, 0.0f);

  const auto visible_from = [&](std::int64_t position) {
    return args.window > 0 ? std::max<std::int64_t>(0, position - args.window + 1) : 0;
  };
  const std::int64_t from = std::max(split * kv_split, visible_from(args.first + begin));
  const std::int64_t last = std::min((split + 1) * kv_split - 1, args.first + end - 1);
  const auto keys_of = [&](std::int64_t block) {
    return args.pool + static_cast<std::size_t>(args.blocks[block]) * args.pool_stride;
  };
  const std::int64_t half_bytes = std::int64_t{kv_block} * args.head_dim * static_cast<std::int64_t>(sizeof(Key));
  for (std::int64_t block = from / kv_block; block <= last / kv_block && from <= last; ++block) {
    const auto* keys = reinterpret_cast<const Key*>(keys_of(block));
    // Blocks lie far apart: the hardware does not run ahead from one to the next. The last asks for itself again.
    const std::byte* next = keys_of(std::min(block + 1, last / kv_block));
    for_row_tiles<S::score_rows>(n_rows, [&]<int M>(std::int64_t row) {
      score_tile<S, Key, M>(keys, next, q + row, args.head_dim, rows.scores + row * kv_block);
    });
    for (int row = 0; row < n_rows; ++row) {
      const std::int64_t position = args.first + begin + row / args.group;
      add_scores<S>(args, block * kv_block, visible_from(position), position, row, rows);
    }
    const int positions = static_cast<int>(std::min<std::int64_t>(kv_block, last - block * kv_block + 1));
    values_of_rows<S, Key>(keys + kv_block * args.head_dim, next + half_bytes, n_rows, positions, args.head_dim, rows);
  }
}

/// A query head's softmax over a set of keys: value sums, maximum, weight sum. Merging follows Dao 2023, section 3.1.
template <class S>
void merge_into(float* values, float& maximum, float& sum, const float* other, float other_maximum, float other_sum,
                int head_dim) {
  if (other_sum == 0) return;
  if (sum == 0) {
    std::copy_n(other, head_dim, values);
    maximum = other_maximum;
    sum = other_sum;
    return;
  }
  const float top = std::max(maximum, other_maximum);
  const auto mine = generic::exp<S>(S::set(maximum - top)), theirs = generic::exp<S>(S::set(other_maximum - top));
  for_lanes(head_dim, [&](long i, int n) {
    store_n<S>(values + i, S::fma(load_n<S>(other + i, n), theirs, S::mul(load_n<S>(values + i, n), mine)), n);
  });
  sum = S::first_lane(S::fma(S::set(other_sum), theirs, S::mul(S::set(sum), mine)));
  maximum = top;
}

template <class S>
void divide(const float* values, float sum, int head_dim, float* out) {
  const auto inverse = S::set(1.0f / sum);
  for_lanes(head_dim, [&](long i, int n) { store_n<S>(out + i, S::mul(load_n<S>(values + i, n), inverse), n); });
}

/// The scratch of one call, for the rows of one tile.
struct AttentionScratch {
  SoftmaxRows part;
  float *values, *maximum, *sum;  // merged so far
  const float** q;

  AttentionScratch(float* at, int rows, int head_dim) {
    const auto take = [&](std::int64_t n) { return std::exchange(at, at + (n + 15) / 16 * 16); };
    part.scores = take(rows * kv_block);
    part.maximum = take(rows);
    part.sum = take(rows * 16);
    part.values = take(rows * head_dim);
    values = take(rows * head_dim);
    maximum = take(rows);
    sum = take(rows);
    q = reinterpret_cast<const float**>(take(rows * 2));
  }
};

template <class S, class Key>
void attention_of(const AttentionArgs& args, int begin, int end) {
  const int n_rows = (end - begin) * args.group;
  AttentionScratch scratch(args.scratch, n_rows, args.head_dim);
  std::fill_n(scratch.sum, n_rows, 0.0f);
  const std::int64_t from = args.window > 0 ? std::max<std::int64_t>(0, args.first + begin - args.window + 1) : 0;
  for (std::int64_t split = from / kv_split; split <= (args.first + end - 1) / kv_split; ++split) {
    attend_split<S, Key>(args, begin, end, split, scratch.part, scratch.q);
    for (int row = 0; row < n_rows; ++row)
      merge_into<S>(scratch.values + row * args.head_dim, scratch.maximum[row], scratch.sum[row],
                    scratch.part.values + row * args.head_dim, scratch.part.maximum[row],
                    S::sum_lanes(S::load(scratch.part.sum + row * 16)), args.head_dim);
  }
  for (int row = 0; row < n_rows; ++row)
    divide<S>(scratch.values + row * args.head_dim, scratch.sum[row], args.head_dim,
              args.out + (begin + row / args.group) * args.out_stride + row % args.group * args.head_dim);
}

template <class S>
void attention(const AttentionArgs& args) {
  for (int begin = 0; begin < args.n_queries; begin += attention_tile) {
    const int end = std::min(args.n_queries, begin + attention_tile);
    if (args.kv_type == KvType::f32)
      attention_of<S, float>(args, begin, end);
    else
      attention_of<S, std::uint16_t>(args, begin, end);
  }
}

template <class S>
void attention_split(const AttentionArgs& args, std::int64_t split, float* partials) {
  const std::int64_t size = partial_size(args.head_dim);
  for (int begin = 0; begin < args.n_queries; begin += attention_tile) {
    const int end = std::min(args.n_queries, begin + attention_tile);
    const int n_rows = (end - begin) * args.group;
    const AttentionScratch scratch(args.scratch, n_rows, args.head_dim);
    if (args.kv_type == KvType::f32)
      attend_split<S, float>(args, begin, end, split, scratch.part, scratch.q);
    else
      attend_split<S, std::uint16_t>(args, begin, end, split, scratch.part, scratch.q);
    for (int row = 0; row < n_rows; ++row) {
      float* partial = partials + (begin * args.group + row) * size;
      std::copy_n(scratch.part.values + row * args.head_dim, args.head_dim, partial);
      partial[args.head_dim] = scratch.part.maximum[row];
      partial[args.head_dim + 1] = S::sum_lanes(S::load(scratch.part.sum + row * 16));
    }
  }
}

template <class S>
void attention_merge(float* partials, std::int64_t stride, std::int64_t n_splits, int head_dim, float* out) {
  float maximum = partials[head_dim], sum = partials[head_dim + 1];
  for (std::int64_t split = 1; split < n_splits; ++split) {
    const float* other = partials + split * stride;
    merge_into<S>(partials, maximum, sum, other, other[head_dim], other[head_dim + 1], head_dim);
  }
  divide<S>(partials, sum, head_dim, out);
}

}  // namespace sw::generic
