// Attention over paged keys and values with an online softmax (Milakov & Gimelshein 2018; FlashAttention-2, Dao 2023).
//
// A tile of query heads passes over the blocks of 32 positions it can see; a lane is a key while scores are computed
// and a head dimension while values are summed. Every query head's arithmetic depends only on its own position: the
// tile it shares, and the keys others may not see, change nothing (a masked key weighs exactly 0). Keys are cut at
// multiples of kv_split positions; each part is softmaxed on its own and merged in ascending order.
//
// Keys and values in BF16 are multiplied by BF16 dot products where the CPU has them, everything else in FP32. Then
// queries and the softmax's weights are rounded to BF16 too; scores and sums stay FP32, as when such models were
// trained.
#pragma once

#include <algorithm>
#include <utility>

#include "ops/generic/kv.hpp"
#include "ops/generic/math.hpp"
#include "ops/generic/tiles.hpp"
#include "ops/ops.hpp"

namespace sw::generic {

/// Running softmax of a tile's rows; a row is one head of one query.
struct SoftmaxRows {
  float* scores;   ///< [rows][32]
  float* maximum;  ///< [rows]
  float* sum;      ///< [rows][16]: the weights' sum, lane by lane
  float* values;   ///< [rows][value_stride]: weighted sum of values

  // For BF16 dot products:
  std::uint16_t* q;        ///< [rows][query_stride]
  std::uint16_t* weights;  ///< [rows][32]
};

template <class S, KvType Type>
inline constexpr bool has_dots = S::has_bf16_dot&& Type == KvType::bf16;

/// Floats between rows of value sums: whole registers, whatever the type of the values.
constexpr int value_stride(int head_dim) {
  return (head_dim + kv_group - 1) / kv_group * kv_group;
}

/// Numbers between rows of BF16 queries: whole registers.
constexpr int query_stride(int head_dim) {
  return (head_dim + 15) / 16 * 16;
}

/// The lines of the next block's keys or values that `share` of the work on this one asks for, a few at a time: a burst
/// would fill the queue of misses and hold up the loads behind it.
template <class S>
void prefetch_share(const std::byte* next, std::int64_t from, std::int64_t to) {
  for (std::int64_t i = from; i < to; i += 64) S::prefetch(next + i);
}

/// scores[m][0..32) = q[m] · keys, for M rows. `next`: the block after this one, wanted soon.
template <class S, KvType Type, int M>
void score_tile(const std::byte* block, const std::byte* next, const float* const* q, int head_dim, float* scores) {
  using F = typename S::F;
  constexpr int dims = key_dims<Type>;
  constexpr std::int64_t codes_bytes = 16 * dims * KvLayout{Type, 0}.bits() / 8, step = 2 * codes_bytes;
  const KvLayout layout{Type, head_dim};
  const std::byte* keys = block + layout.keys();
  const auto half = static_cast<std::int64_t>(layout.half_bytes());
  F acc[M][2];
  for (int m = 0; m < M; ++m) acc[m][0] = acc[m][1] = S::zero();
  for (int first = 0; first < head_dim; first += is_scaled(Type) ? kv_group : head_dim) {
    const int end = is_scaled(Type) ? std::min(head_dim, first + kv_group) : head_dim;
    const auto at = static_cast<std::int64_t>(layout.factor_offset(first / kv_group, 0));
    const KvFactors<S, Type> factors[2] = {KvFactors<S, Type>(block + at),
                                           KvFactors<S, Type>(block + at + 16 * sizeof(std::uint16_t))};
    prefetch_share<S>(next, at, at + layout.factors() * kv_block * static_cast<std::int64_t>(sizeof(std::uint16_t)));
    for (int d = first; d < end; d += dims) {
      const std::int64_t i = d / dims;
      prefetch_share<S>(next + layout.keys(), i * step, (i + 1) * step);
      F k[2][dims];
      load_codes<S, Type>(keys + i * codes_bytes, k[0]);
      load_codes<S, Type>(keys + half + i * codes_bytes, k[1]);
      for (int j = 0; j < dims; ++j) {
        const F k0 = factors[0].decode(k[0][j]), k1 = factors[1].decode(k[1][j]);
        for (int m = 0; m < M; ++m) {
          const auto value = S::broadcast(q[m] + d + j);
          acc[m][0] = S::fma(value, k0, acc[m][0]);
          acc[m][1] = S::fma(value, k1, acc[m][1]);
        }
      }
    }
  }
  for (int m = 0; m < M; ++m) {
    S::store(scores + m * kv_block, acc[m][0]);
    S::store(scores + m * kv_block + 16, acc[m][1]);
  }
}

/// Two BF16 numbers in every lane.
template <class S>
typename S::B broadcast_pair(const std::uint16_t* at) {
  return S::broadcast_quad(reinterpret_cast<const std::int8_t*>(at));
}

/// score_tile by dot products: queries are BF16, `query_stride` apart.
template <class S, int M>
void score_dots(const std::byte* block, const std::byte* next, const std::uint16_t* q, int head_dim, float* scores) {
  const KvLayout layout{KvType::bf16, head_dim};
  const auto at = static_cast<std::int64_t>(layout.keys()), half = static_cast<std::int64_t>(layout.half_bytes());
  const std::int64_t stride = query_stride(head_dim);
  typename S::F acc[M][2];
  for (int m = 0; m < M; ++m) acc[m][0] = acc[m][1] = S::zero();
  for (std::int64_t d = 0; d < head_dim; d += 2) {
    prefetch_share<S>(next, at + 64 * d, at + 64 * (d + 2));
    const auto k0 = S::load_bytes(block + at + 32 * d), k1 = S::load_bytes(block + at + half + 32 * d);
    for (int m = 0; m < M; ++m) {
      const auto pair = broadcast_pair<S>(q + m * stride + d);
      acc[m][0] = S::dot_bf16(acc[m][0], k0, pair);
      acc[m][1] = S::dot_bf16(acc[m][1], k1, pair);
    }
  }
  for (int m = 0; m < M; ++m) {
    S::store(scores + m * kv_block, acc[m][0]);
    S::store(scores + m * kv_block + 16, acc[m][1]);
  }
}

/// sums[m][d..d+16·D) += Σ weights[m][pos] · values[pos][d…], for M rows and D registers of dimensions. `next`: the
/// values after these.
template <class S, KvType Type, int M, int D>
void value_tile(const std::byte* values, std::int64_t row_bytes, const std::byte* next, const float* weights,
                int positions, std::int64_t stride, float* sums) {
  constexpr std::int64_t columns = 16 * D * KvLayout{Type, 0}.bits() / 8;
  typename S::F acc[M][D];
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) acc[m][i] = S::load(sums + m * stride + 16 * i);
  const auto add = [&](int pos, const typename S::F(&value)[D]) {
    for (int m = 0; m < M; ++m) {
      const auto weight = S::broadcast(weights + m * kv_block + pos);
      for (int i = 0; i < D; ++i) acc[m][i] = S::fma(weight, value[i], acc[m][i]);
    }
  };
  if constexpr (Type == KvType::bf16) {
    for (int pos = 0; pos < positions; pos += 2) {
      prefetch_share<S>(next, pos * row_bytes, pos * row_bytes + 2 * columns);
      typename S::F value[2][D];
      for (int i = 0; i < D; ++i) {
        typename S::F pair[2];
        load_codes<S, Type>(values + pos * row_bytes + 64 * i, pair);
        value[0][i] = pair[0];
        value[1][i] = pair[1];
      }
      add(pos, value[0]);
      if (pos + 1 < positions) add(pos + 1, value[1]);
    }
  } else {
    for (int pos = 0; pos < positions; ++pos) {
      prefetch_share<S>(next, pos * row_bytes, pos * row_bytes + columns);
      typename S::F value[D];
      load_codes<S, Type>(values + pos * row_bytes, value);
      add(pos, value);
    }
  }
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) S::store(sums + m * stride + 16 * i, acc[m][i]);
}

/// value_tile by dot products: the weights are BF16, `row_bytes` those of one position.
template <class S, int M, int D>
void value_dots(const std::byte* values, std::int64_t row_bytes, const std::byte* next, const std::uint16_t* weights,
                int positions, std::int64_t stride, float* sums) {
  typename S::F acc[M][D];
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) acc[m][i] = S::load(sums + m * stride + 16 * i);
  const auto add = [&](int pos, auto&& load) {
    typename S::B value[D];
    for (int i = 0; i < D; ++i) value[i] = load(values + pos * row_bytes + 64 * i);
    for (int m = 0; m < M; ++m) {
      const auto pair = broadcast_pair<S>(weights + m * kv_block + pos);
      for (int i = 0; i < D; ++i) acc[m][i] = S::dot_bf16(acc[m][i], value[i], pair);
    }
  };
  for (int pos = 0; pos + 2 <= positions; pos += 2) {
    prefetch_share<S>(next, pos * row_bytes, pos * row_bytes + 64 * D);
    add(pos, [](const std::byte* at) { return S::load_bytes(at); });
  }
  // Behind the last position lies anything, which even a weight of 0 might not silence.
  if (positions % 2) add(positions - 1, [](const std::byte* at) { return S::low_halves(S::load_bytes(at)); });
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) S::store(sums + m * stride + 16 * i, acc[m][i]);
}

template <class S, int M>
void add_value_dots(const std::byte* block, const std::byte* next, std::int64_t row, int positions, int head_dim,
                    const SoftmaxRows& rows) {
  const KvLayout layout{KvType::bf16, head_dim};
  const std::int64_t stride = value_stride(head_dim);
  float* sums = rows.values + row * stride;
  const std::uint16_t* weights = rows.weights + row * kv_block;
  const auto tile = [&]<int D>(int d) {
    const std::size_t at = layout.values() + static_cast<std::size_t>(d) * 4;
    value_dots<S, M, D>(block + at, static_cast<std::int64_t>(layout.row_bytes()), next + at, weights, positions,
                        stride, sums + d);
  };
  int d = 0;
  if constexpr (M <= 7)
    for (; d + 64 <= head_dim; d += 64) tile.template operator()<4>(d);
  for (; d + 32 <= head_dim; d += 32) tile.template operator()<2>(d);
  for (; d < head_dim; d += 16) tile.template operator()<1>(d);
}

/// Adds a block's values, times the weights in `rows`, to M rows from `row` on.
template <class S, KvType Type, int M>
void add_values(const std::byte* block, const std::byte* next, std::int64_t row, int positions, int head_dim,
                const SoftmaxRows& rows) {
  using F = typename S::F;
  const KvLayout layout{Type, head_dim};
  const std::int64_t stride = value_stride(head_dim);
  const auto row_bytes = static_cast<std::int64_t>(layout.row_bytes());
  float* sums = rows.values + row * stride;
  const float* weights = rows.scores + row * kv_block;
  const auto tile = [&]<int D>(int d, const float* weights_of_tile) {
    const int together = Type == KvType::bf16 ? 2 : 1;  // positions
    const auto at = static_cast<std::int64_t>(layout.values()) + d * together * layout.bits() / 8;
    value_tile<S, Type, M, D>(block + at, row_bytes, next + at, weights_of_tile, positions, stride, sums + d);
  };
  if constexpr (is_scaled(Type)) {
    // Σ weight · (minimum + scale · code) = Σ weight · minimum + Σ (weight · scale) · code
    for (int group = 0; group < layout.groups(); ++group) {
      const auto at = static_cast<std::int64_t>(layout.value_factors() + layout.factor_offset(group, 0));
      prefetch_share<S>(next, at, at + layout.factors() * kv_block * static_cast<std::int64_t>(sizeof(std::uint16_t)));
      const KvFactors<S, Type> factors[2] = {KvFactors<S, Type>(block + at),
                                             KvFactors<S, Type>(block + at + 16 * sizeof(std::uint16_t))};
      float scaled[M * kv_block];
      for (int m = 0; m < M; ++m) {
        const F w0 = S::load(weights + m * kv_block), w1 = S::load(weights + m * kv_block + 16);
        S::store(scaled + m * kv_block, S::mul(w0, factors[0].scale));
        S::store(scaled + m * kv_block + 16, S::mul(w1, factors[1].scale));
        if constexpr (Type == KvType::q4) {
          F minima[2] = {S::mul(w0, factors[0].minimum), S::mul(w1, factors[1].minimum)};
          if (positions < kv_block)  // behind them lies anything
            for (int half = 0; half < 2; ++half)
              minima[half] = S::keep_lanes(minima[half], 0, std::clamp(positions - 16 * half, 0, 16), 0);
          const F sum = S::set(S::sum_lanes(S::add(minima[0], minima[1])));
          float* to = sums + m * stride + group * kv_group;
          S::store(to, S::add(S::load(to), sum));
          S::store(to + 16, S::add(S::load(to + 16), sum));
        }
      }
      tile.template operator()<2>(group * kv_group, scaled);
    }
  } else {
    int d = 0;
    for (; d + 16 * S::value_registers <= head_dim; d += 16 * S::value_registers)
      tile.template operator()<S::value_registers>(d, weights);
    for (; d < head_dim; d += 16) tile.template operator()<1>(d, weights);
  }
}

/// Adds one row's 32 scores of the block starting at `base` to its softmax; keys outside [low, high] weigh 0. The
/// weights take the scores' place, or become BF16.
template <class S, bool Dots>
void add_scores(const AttentionArgs& args, std::int64_t base, std::int64_t low, std::int64_t high, int row,
                const SoftmaxRows& rows) {
  using F = typename S::F;
  float* scores = rows.scores + row * kv_block;
  F s[2];
  for (int half = 0; half < 2; ++half) {
    s[half] = S::mul(S::load(scores + 16 * half), S::set(args.scale));
    if (args.softcap > 0)
      s[half] = S::mul(S::set(args.softcap), generic::tanh<S>(S::mul(s[half], S::set(1.0f / args.softcap))));
  }
  if (low > base || high < base + kv_block - 1)
    for (int half = 0; half < 2; ++half) {
      const std::int64_t first = base + 16 * half;
      const int begin = static_cast<int>(std::clamp<std::int64_t>(low - first, 0, 16));
      const int end = static_cast<int>(std::clamp<std::int64_t>(high + 1 - first, 0, 16));
      s[half] = S::keep_lanes(s[half], begin, end, -__builtin_inff());
    }
  const float before = rows.maximum[row];
  const float maximum = std::max(before, S::max_lanes(S::max(s[0], s[1])));
  const F p0 = generic::exp<S>(S::sub(s[0], S::set(maximum))), p1 = generic::exp<S>(S::sub(s[1], S::set(maximum)));
  if constexpr (Dots) {
    S::store_bf16(rows.weights + row * kv_block, p0);
    S::store_bf16(rows.weights + row * kv_block + 16, p1);
  } else {
    S::store(scores, p0);
    S::store(scores + 16, p1);
  }
  F sum = S::load(rows.sum + row * 16);
  if (maximum > before) {
    const F decay = generic::exp<S>(S::set(before - maximum));
    sum = S::mul(sum, decay);
    float* values = rows.values + row * value_stride(args.head_dim);
    for (int d = 0; d < args.head_dim; d += 16) S::store(values + d, S::mul(S::load(values + d), decay));
    rows.maximum[row] = maximum;
  }
  S::store(rows.sum + row * 16, S::add(sum, S::add(p0, p1)));
}

/// Softmax over the keys of one split for queries [begin, end) of the call: fills `rows`.
template <class S, KvType Type>
void attend_split(const AttentionArgs& args, int begin, int end, std::int64_t split, const SoftmaxRows& rows,
                  const float** q) {
  const int n_rows = (end - begin) * args.group;
  for (int row = 0; row < n_rows; ++row) {
    rows.maximum[row] = -1e30f;  // finite, so that a block without visible keys leaves a row as it was
    S::store(rows.sum + row * 16, S::zero());
    q[row] = args.q + (begin + row / args.group) * args.q_stride + row % args.group * args.head_dim;
    if constexpr (has_dots<S, Type>)
      for_lanes(args.head_dim, [&](long d, int n) {
        S::store_bf16(rows.q + row * query_stride(args.head_dim) + d, load_n<S>(q[row] + d, n));
      });
  }
  std::fill_n(rows.values, n_rows * value_stride(args.head_dim), 0.0f);

  const auto visible_from = [&](std::int64_t position) {
    return args.window > 0 ? std::max<std::int64_t>(0, position - args.window + 1) : 0;
  };
  const std::int64_t from = std::max(split * kv_split, visible_from(args.first + begin));
  const std::int64_t last = std::min((split + 1) * kv_split - 1, args.first + end - 1);
  const auto block_at = [&](std::int64_t i) {
    return args.pool + static_cast<std::size_t>(args.blocks[i]) * args.pool_stride;
  };
  for (std::int64_t i = from / kv_block; i <= last / kv_block && from <= last; ++i) {
    const std::byte* block = block_at(i);
    // Blocks lie far apart: the hardware does not run ahead from one to the next. The last asks for itself again.
    const std::byte* next = block_at(std::min(i + 1, last / kv_block));
    const int positions = static_cast<int>(std::min<std::int64_t>(kv_block, last - i * kv_block + 1));
    if constexpr (has_dots<S, Type>)
      for_row_tiles<S::float_tile_rows>(n_rows, [&]<int M>(std::int64_t row) {
        score_dots<S, M>(block, next, rows.q + row * query_stride(args.head_dim), args.head_dim,
                         rows.scores + row * kv_block);
      });
    else
      for_row_tiles<S::score_rows>(n_rows, [&]<int M>(std::int64_t row) {
        score_tile<S, Type, M>(block, next, q + row, args.head_dim, rows.scores + row * kv_block);
      });
    for (int row = 0; row < n_rows; ++row) {
      const std::int64_t position = args.first + begin + row / args.group;
      add_scores<S, has_dots<S, Type>>(args, i * kv_block, visible_from(position), position, row, rows);
    }
    if constexpr (has_dots<S, Type>) {
      for_row_tiles<S::float_tile_rows>(n_rows, [&]<int M>(std::int64_t row) {
        add_value_dots<S, M>(block, next, row, positions, args.head_dim, rows);
      });
    } else {
      // A group of scaled values takes two registers a row.
      constexpr int value_rows = is_scaled(Type) ? std::min(8, S::value_rows * S::value_registers / 2) : S::value_rows;
      for_row_tiles<value_rows>(n_rows, [&]<int M>(std::int64_t row) {
        add_values<S, Type, M>(block, next, row, positions, args.head_dim, rows);
      });
    }
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
    part.values = take(rows * value_stride(head_dim));
    part.q = reinterpret_cast<std::uint16_t*>(take(rows * query_stride(head_dim) / 2));
    part.weights = reinterpret_cast<std::uint16_t*>(take(rows * kv_block / 2));
    values = take(rows * head_dim);
    maximum = take(rows);
    sum = take(rows);
    q = reinterpret_cast<const float**>(take(rows * 2));
  }
};

template <class S, KvType Type>
void attention_of(const AttentionArgs& args, int begin, int end) {
  const int n_rows = (end - begin) * args.group;
  AttentionScratch scratch(args.scratch, n_rows, args.head_dim);
  std::fill_n(scratch.sum, n_rows, 0.0f);
  const std::int64_t from = args.window > 0 ? std::max<std::int64_t>(0, args.first + begin - args.window + 1) : 0;
  for (std::int64_t split = from / kv_split; split <= (args.first + end - 1) / kv_split; ++split) {
    attend_split<S, Type>(args, begin, end, split, scratch.part, scratch.q);
    for (int row = 0; row < n_rows; ++row)
      merge_into<S>(scratch.values + row * args.head_dim, scratch.maximum[row], scratch.sum[row],
                    scratch.part.values + row * value_stride(args.head_dim), scratch.part.maximum[row],
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
    with_kv_type(args.kv_type, [&]<KvType Type>() { attention_of<S, Type>(args, begin, end); });
  }
}

template <class S>
void attention_split(const AttentionArgs& args, std::int64_t split, float* partials) {
  const std::int64_t size = partial_size(args.head_dim);
  for (int begin = 0; begin < args.n_queries; begin += attention_tile) {
    const int end = std::min(args.n_queries, begin + attention_tile);
    const int n_rows = (end - begin) * args.group;
    const AttentionScratch scratch(args.scratch, n_rows, args.head_dim);
    with_kv_type(args.kv_type,
                 [&]<KvType Type>() { attend_split<S, Type>(args, begin, end, split, scratch.part, scratch.q); });
    for (int row = 0; row < n_rows; ++row) {
      float* partial = partials + (begin * args.group + row) * size;
      std::copy_n(scratch.part.values + row * value_stride(args.head_dim), args.head_dim, partial);
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
