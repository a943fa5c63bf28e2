// Attention's two products as BF16 dot products, which multiply and add two numbers where FP32 does one.
//
// A block of 32 positions is decoded once for all rows of a tile, from any type of keys and values, into pairs: two
// dimensions of a key, two positions of a value. Queries and softmax weights are rounded to BF16 too; scores, sums and the
// softmax itself stay FP32. That is how these models were trained.
#pragma once

#include <algorithm>

#include "ops/generic/kv.hpp"
#include "ops/generic/math.hpp"

namespace sw::generic {

/// Floats between rows of value sums: whole registers, whatever the type of the values.
constexpr int value_stride(int head_dim) {
  return (head_dim + kv_group - 1) / kv_group * kv_group;
}

/// Numbers between rows of BF16 queries: whole registers, zeros behind the last dimension.
constexpr int pair_stride(int head_dim) {
  return (head_dim + 15) / 16 * 16;
}

/// The lines of the next block's keys or values that `share` of the work on this one asks for, a few at a time: a burst
/// would fill the queue of misses and hold up the loads behind it.
template <class S>
void prefetch_share(const std::byte* next, std::int64_t from, std::int64_t to) {
  for (std::int64_t i = from; i < to; i += 64) S::prefetch(next + i);
}

/// A tile's operands of BF16 dot products.
struct PairRows {
  std::uint16_t* q;        ///< [rows][pair_stride]
  std::uint16_t* weights;  ///< [rows][32]
  std::byte* keys;         ///< [2][pair_stride / 2][16 positions][2]
  std::byte* values;       ///< [16 pairs of positions][value_stride][2]
};

/// Registers of one position's values that a type stores together.
template <KvType Type>
inline constexpr int value_registers = is_scaled(Type) ? 2 : 1;

/// Values [d, d + 16 · value_registers) of one position.
template <class S, KvType Type>
void load_values(const std::byte* block, const KvLayout& layout, int position, int d,
                 typename S::F (&x)[value_registers<Type>]) {
  load_codes<S, Type>(block + layout.values() + static_cast<std::size_t>(position) * layout.row_bytes() +
                          static_cast<std::size_t>(d * layout.bits() / 8),
                      x);
  if constexpr (is_scaled(Type)) {
    const auto factor = [&](int which) {
      std::uint16_t bits;
      std::memcpy(&bits,
                  block + layout.value_factors() + layout.factor_offset(d / kv_group, which * kv_block + position),
                  sizeof bits);
      return S::set(bf16_to_f32(bits));
    };
    for (auto& value : x)
      value = Type == KvType::q4 ? S::fma(value, factor(0), factor(1)) : S::mul(value, factor(0));
  }
}

template <class S, KvType Type>
void decode_keys(const std::byte* block, const std::byte* next, int head_dim, std::byte* out) {
  constexpr std::int64_t codes_bytes = 16 * KvLayout{Type, 0}.bits() / 8;  // of one dimension
  const KvLayout layout{Type, head_dim};
  const std::int64_t half_pairs = pair_stride(head_dim) / 2;
  for (int half = 0; half < 2; ++half) {
    const auto at = static_cast<std::int64_t>(layout.keys() + static_cast<std::size_t>(half) * layout.half_bytes());
    for (int first = 0; first < head_dim; first += kv_group) {
      const auto factors_at = static_cast<std::int64_t>(layout.factor_offset(first / kv_group, 16 * half));
      const KvFactors<S, Type> factors(block + factors_at);
      if constexpr (is_scaled(Type)) prefetch_share<S>(next, factors_at, factors_at + 1);
      for (int d = first; d < std::min(head_dim, first + kv_group); d += 2) {
        const std::int64_t codes = at + d * codes_bytes;
        prefetch_share<S>(next, codes, codes + 2 * codes_bytes);
        typename S::F k[2] = {S::zero(), S::zero()};
        if constexpr (Type == KvType::q4) {
          load_codes<S, Type>(block + codes, k);
        } else {
          for (int j = 0; j < std::min(2, head_dim - d); ++j) {
            typename S::F one[1];
            load_codes<S, Type>(block + codes + j * codes_bytes, one);
            k[j] = one[0];
          }
        }
        S::store_bytes(out + (half * half_pairs + d / 2) * 64,
                       S::pair_bf16(factors.decode(k[0]), factors.decode(k[1])));
      }
    }
  }
}

template <class S, KvType Type>
void decode_values(const std::byte* block, const std::byte* next, int positions, int head_dim, std::byte* out) {
  constexpr int registers = value_registers<Type>;
  const KvLayout layout{Type, head_dim};
  const auto at = static_cast<std::int64_t>(layout.values()), row = static_cast<std::int64_t>(layout.row_bytes());
  if constexpr (is_scaled(Type)) prefetch_share<S>(next, static_cast<std::int64_t>(layout.value_factors()), at);
  for (int position = 0; position < positions; position += 2) {
    prefetch_share<S>(next, at + position * row, at + (position + 2) * row);
    for (int d = 0; d < head_dim; d += 16 * registers) {
      typename S::F x[registers], y[registers];
      load_values<S, Type>(block, layout, position, d, x);
      // Behind the last position lies anything, which even a weight of 0 might not silence.
      if (position + 1 < positions)
        load_values<S, Type>(block, layout, position + 1, d, y);
      else
        std::fill_n(y, registers, S::zero());
      for (int i = 0; i < registers; ++i)
        S::store_bytes(out + (position / 2 * value_stride(head_dim) + d + 16 * i) * std::int64_t{4},
                       S::pair_bf16(x[i], y[i]));
    }
  }
}

/// `next`: the block after this one, wanted soon.
template <class S, KvType Type>
void decode_block(const std::byte* block, const std::byte* next, int positions, int head_dim, const PairRows& rows) {
  decode_keys<S, Type>(block, next, head_dim, rows.keys);
  decode_values<S, Type>(block, next, positions, head_dim, rows.values);
}

template <class S>
typename S::B broadcast_pair(const std::uint16_t* at) {
  return S::broadcast_quad(reinterpret_cast<const std::int8_t*>(at));
}

/// scores[m][0..32) = q[row + m] · keys, for M rows.
template <class S, int M>
void score_pairs(const PairRows& rows, std::int64_t row, int head_dim, float* scores) {
  const std::int64_t stride = pair_stride(head_dim);
  const std::uint16_t* q = rows.q + row * stride;
  typename S::F acc[M][2];
  for (int m = 0; m < M; ++m) acc[m][0] = acc[m][1] = S::zero();
  for (int d = 0; d < head_dim; d += 2) {
    const auto k0 = S::load_bytes(rows.keys + d * std::int64_t{32});
    const auto k1 = S::load_bytes(rows.keys + (stride + d) * 32);
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

/// Adds D registers of the block's values from dimension d on, times the weights, to the sums of M rows.
template <class S, int M, int D>
void value_pairs(const PairRows& rows, std::int64_t row, int d, int positions, int stride, float* sums) {
  const std::uint16_t* weights = rows.weights + row * kv_block;
  typename S::F acc[M][D];
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) acc[m][i] = S::load(sums + m * stride + 16 * i);
  for (int position = 0; position < positions; position += 2) {
    typename S::B value[D];
    for (int i = 0; i < D; ++i)
      value[i] = S::load_bytes(rows.values + (position / 2 * stride + d + 16 * i) * std::int64_t{4});
    for (int m = 0; m < M; ++m) {
      const auto pair = broadcast_pair<S>(weights + m * kv_block + position);
      for (int i = 0; i < D; ++i) acc[m][i] = S::dot_bf16(acc[m][i], value[i], pair);
    }
  }
  for (int m = 0; m < M; ++m)
    for (int i = 0; i < D; ++i) S::store(sums + m * stride + 16 * i, acc[m][i]);
}

/// Adds a block's values, times the weights, to M rows of `values` from `row` on.
template <class S, int M>
void add_value_pairs(const PairRows& rows, std::int64_t row, int positions, int head_dim, float* values) {
  const int stride = value_stride(head_dim);
  float* sums = values + row * stride;
  int d = 0;
  for (; d + 32 <= head_dim; d += 32) value_pairs<S, M, 2>(rows, row, d, positions, stride, sums + d);
  for (; d < head_dim; d += 16) value_pairs<S, M, 1>(rows, row, d, positions, stride, sums + d);
}

}  // namespace sw::generic
