#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/types.hpp"

namespace sw {

/// Positions of one block of the paged pool.
inline constexpr int kv_block = 32;

/// Dimensions of one position that share a scale, where a type has scales.
inline constexpr int kv_group = 32;

/// Where the keys and values of one block, of one attention layer and KV head, lie. In this order:
///
///   key scales    [groups][32 positions] BF16         q8, q4
///   key minima    beside each group's scales          q4: scales and minima [groups][2][32]
///   keys          [2][head_dim][16]                   a lane is a position; bf16: [2][head_dim / 2][16][2]
///   value scales, value minima, as for keys
///   values        [32][row]                           head_dim numbers, then what fills a register up; bf16: [16][row][2]
///
/// q8: x ≈ scale · code, a signed byte. q4: x ≈ minimum + scale · code, of 4 bits: a byte of the keys holds the
/// dimensions 2i (low) and 2i + 1 of a position; byte i of the 16 of a group of values holds its dimensions i (low) and
/// i + 16. bf16: pairs of dimensions of a key and of positions of a value, as BF16 dot products take them. Two positions
/// never share a byte: threads write them at the same time.
///
/// BF16 has all of binary32's range, so no scale overflows; codes are chosen for the rounded scale, and its 8 bits
/// times a code's are exact in binary32.
struct KvLayout {
  KvType type;
  int head_dim;

  constexpr int bits() const {
    switch (type) {
      case KvType::f32:
        return 32;
      case KvType::f16:
      case KvType::bf16:
        return 16;
      case KvType::q8:
        return 8;
      case KvType::q4:
        return 4;
    }
    return 0;
  }
  constexpr int groups() const { return (head_dim + kv_group - 1) / kv_group; }
  /// How many BF16 numbers a group has for each position.
  constexpr int factors() const { return type == KvType::q4 ? 2 : type == KvType::q8 ? 1 : 0; }
  /// Of a position's scale, from the first of the keys' or values'; its minimum is 32 numbers on.
  constexpr std::size_t factor_offset(int group, int slot) const {
    return static_cast<std::size_t>(group * factors() * kv_block + slot) * sizeof(std::uint16_t);
  }
  /// Bytes of 16 positions' keys, and of one position's values.
  constexpr std::size_t half_bytes() const { return static_cast<std::size_t>(16 * ((head_dim * bits() + 7) / 8)); }
  constexpr std::size_t row_bytes() const {
    const int unit = factors() > 0 ? kv_group : 16;
    return static_cast<std::size_t>((head_dim + unit - 1) / unit * unit * bits() / 8);
  }

  constexpr std::size_t keys() const { return factor_offset(groups(), 0); }
  constexpr std::size_t value_factors() const { return keys() + 2 * half_bytes(); }
  constexpr std::size_t values() const { return value_factors() + factor_offset(groups(), 0); }
  constexpr std::size_t bytes() const { return values() + kv_block * row_bytes(); }
};

/// A scale below this is stored as 0: one over it might overflow.
inline constexpr float smallest_kv_scale = 1e-36f;

}  // namespace sw
