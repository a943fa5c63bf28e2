// Keys and values of each type, written a position at a time and read 16 numbers at a time. ops/kv_layout.hpp has the
// places.
#pragma once

#include <algorithm>
#include <cstring>

#include "ops/generic/math.hpp"
#include "ops/kv_layout.hpp"
#include "tensor/half.hpp"

namespace sw::generic {

/// Calls f<Type>() with the type as a constant.
template <class F>
void with_kv_type(KvType type, F&& f) {
  switch (type) {
    case KvType::f32:
      return f.template operator()<KvType::f32>();
    case KvType::f16:
      return f.template operator()<KvType::f16>();
    case KvType::bf16:
      return f.template operator()<KvType::bf16>();
    case KvType::q8:
      return f.template operator()<KvType::q8>();
    case KvType::q4:
      return f.template operator()<KvType::q4>();
  }
}

constexpr bool is_scaled(KvType type) {
  return KvLayout{type, kv_group}.factors() > 0;
}

/// N registers of numbers as they are stored: of N dimensions of 16 positions' keys, or of 16 · N dimensions of values
/// (bf16: of 16 dimensions of two positions).
template <class S, KvType Type, int N>
void load_codes(const std::byte* at, typename S::F (&x)[N]) {
  if constexpr (Type == KvType::q4 || Type == KvType::bf16) {
    static_assert(N == 2);
    if constexpr (Type == KvType::q4)
      S::load_u4(at, x[0], x[1]);
    else
      S::load_bf16_pairs(at, x[0], x[1]);
  } else {
    for (int i = 0; i < N; ++i) {
      if constexpr (Type == KvType::f32) x[i] = S::load(reinterpret_cast<const float*>(at) + 16 * i);
      if constexpr (Type == KvType::f16) x[i] = S::load_f16(at + 32 * i);
      if constexpr (Type == KvType::q8) x[i] = S::load_i8(at + 16 * i);
    }
  }
}

/// Dimensions of 16 positions' keys that are stored together.
template <KvType Type>
inline constexpr int key_dims = Type == KvType::q4 || Type == KvType::bf16 ? 2 : 1;

template <KvType Type>
void write_number(float x, std::byte* at, std::int64_t i) {
  if constexpr (Type == KvType::f32) {
    std::memcpy(at + 4 * i, &x, 4);
  } else {
    const std::uint16_t half = Type == KvType::f16 ? f32_to_f16(x) : f32_to_bf16(x);
    std::memcpy(at + 2 * i, &half, 2);
  }
}

/// What turns the codes of a group into numbers, for 16 positions.
template <class S, KvType>
struct KvFactors {
  explicit KvFactors(const std::byte*) {}
  typename S::F decode(typename S::F code) const { return code; }
};
template <class S>
struct KvFactors<S, KvType::q8> {
  typename S::F scale;
  explicit KvFactors(const std::byte* at) : scale(S::load_bf16(at)) {}
  typename S::F decode(typename S::F code) const { return S::mul(code, scale); }
};
template <class S>
struct KvFactors<S, KvType::q4> {
  typename S::F scale, minimum;
  explicit KvFactors(const std::byte* at)
      : scale(S::load_bf16(at)), minimum(S::load_bf16(at + kv_block * sizeof(std::uint16_t))) {}
  typename S::F decode(typename S::F code) const { return S::fma(code, scale, minimum); }
};

/// Writes a scale or minimum, and returns it as it will be read.
inline float write_factor(float x, std::byte* at) {
  const std::uint16_t rounded = f32_to_bf16(x);
  std::memcpy(at, &rounded, sizeof rounded);
  return bf16_to_f32(rounded);
}

/// Codes of n ≤ 32 numbers, zeros behind them, and the group's scale and minimum. One number that is not finite makes
/// all of them NaN.
template <class S, KvType Type>
void encode_group(const float* x, int n, std::int8_t* codes, std::byte* factors) {
  typename S::F v[2];
  for (int i = 0; i < 2; ++i) {
    const int lanes = std::clamp(n - 16 * i, 0, 16);
    v[i] = lanes == 16 ? S::load(x + 16 * i) : S::keep_lanes(S::load_first(x + 16 * i, lanes), 0, lanes, x[0]);
  }
  const auto times_zero = S::add(S::mul(v[0], S::zero()), S::mul(v[1], S::zero()));
  const bool finite = S::sum_lanes(times_zero) == 0;
  float minimum = 0, step;
  if constexpr (Type == KvType::q4) {
    const float high = S::max_lanes(S::max(v[0], v[1]));
    const float low = 0 - S::max_lanes(S::max(S::sub(S::zero(), v[0]), S::sub(S::zero(), v[1])));
    minimum = write_factor(finite ? low : 0.0f, factors + kv_block * sizeof(std::uint16_t));
    step = high / 15.0f - low / 15.0f;  // the difference first might overflow
  } else {
    step = S::max_lanes(S::max(S::abs(v[0]), S::abs(v[1]))) / 127.0f;
  }
  if (!finite) step = __builtin_nanf("");
  const float scale = write_factor(step < smallest_kv_scale ? 0.0f : step, factors);
  const auto inverse = S::set(scale > 0 ? 1.0f / scale : 0.0f);
  for (int i = 0; i < 2; ++i) {
    auto code = S::mul(S::sub(v[i], S::set(minimum)), inverse);
    if constexpr (Type == KvType::q4) code = S::max(S::min(code, S::set(15.0f)), S::zero());
    S::store_i8(codes + 16 * i, finite ? code : S::zero());
  }
  std::memset(codes + n, 0, static_cast<std::size_t>(kv_group - n));
}

/// Writes k and v, [head_dim] each, into slot `slot` of a block.
template <class S, KvType Type>
void store_kv_as(const float* k, const float* v, int head_dim, int slot, std::byte* block) {
  constexpr int dims = Type == KvType::q4 ? 2 : 1;  // of a position, in one byte of the keys
  const KvLayout layout{Type, head_dim};
  std::byte* keys = block + layout.keys() + static_cast<std::size_t>(slot / 16) * layout.half_bytes();
  const int row = Type == KvType::bf16 ? slot / 2 * 2 : slot;  // where two positions lie together, the first one's
  std::byte* values = block + layout.values() + static_cast<std::size_t>(row) * layout.row_bytes();
  if constexpr (!is_scaled(Type)) {
    for (int d = 0; d < head_dim; ++d) {
      if constexpr (Type == KvType::bf16) {
        write_number<Type>(k[d], keys, (d / 2 * 16 + slot % 16) * 2 + d % 2);
        write_number<Type>(v[d], values, 2 * d + slot % 2);
      } else {
        write_number<Type>(k[d], keys, d * 16 + slot % 16);
        write_number<Type>(v[d], values, d);
      }
    }
  } else {
    for (int first = 0; first < head_dim; first += kv_group) {
      const int n = std::min(kv_group, head_dim - first);
      std::int8_t codes[kv_group];
      const auto pair = [&](int low, int high) { return static_cast<std::byte>(codes[low] | codes[high] << 4); };

      encode_group<S, Type>(k + first, n, codes, block + layout.factor_offset(first / kv_group, slot));
      for (int d = 0; d < n; d += dims)
        keys[(first + d) / dims * 16 + slot % 16] = dims == 2 ? pair(d, d + 1) : static_cast<std::byte>(codes[d]);

      encode_group<S, Type>(v + first, n, codes,
                            block + layout.value_factors() + layout.factor_offset(first / kv_group, slot));
      if constexpr (Type == KvType::q4)
        for (int i = 0; i < 16; ++i) values[first / 2 + i] = pair(i, i + 16);
      else
        std::memcpy(values + first, codes, kv_group);
    }
  }
}

template <class S>
void store_kv(const float* k, const float* v, int head_dim, int slot, KvType type, std::byte* block) {
  with_kv_type(type, [&]<KvType Type>() { store_kv_as<S, Type>(k, v, head_dim, slot, block); });
}

}  // namespace sw::generic
