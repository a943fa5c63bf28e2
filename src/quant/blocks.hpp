#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.hpp"

/// How each quantized type lies in memory (ggml-common.h, block_*). Numbers are little-endian; `d` and `dmin` are
/// IEEE binary16; x is the stored weight. "Elements [a, b)" counts within the block.
namespace sw {

using f16_bits = std::uint16_t;

inline constexpr std::size_t small_block = 32;
inline constexpr std::size_t super_block = 256;

#pragma pack(push, 1)

/// x = d (q − 8). qs[i]: low nibble is element i, high nibble is element i + 16.
struct BlockQ4_0 {
  f16_bits d;
  std::uint8_t qs[16];
};

/// x = d q + m. Nibbles as in Q4_0.
struct BlockQ4_1 {
  f16_bits d, m;
  std::uint8_t qs[16];
};

/// x = d (q − 16). Low four bits of q as in Q4_0; the fifth bit of element i is bit i of qh.
struct BlockQ5_0 {
  f16_bits d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};

/// x = d q + m. Bits as in Q5_0.
struct BlockQ5_1 {
  f16_bits d, m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};

/// x = d q.
struct BlockQ8_0 {
  f16_bits d;
  std::int8_t qs[32];
};

/// 16 groups of 16: x = d (scales[g] & 15) q − dmin (scales[g] >> 4).
/// Each half of 128 elements takes 32 bytes of qs: bits 2k, 2k+1 of byte i are element 32k + i of the half.
struct BlockQ2_K {
  std::uint8_t scales[16];
  std::uint8_t qs[64];
  f16_bits d, dmin;
};

/// 16 groups of 16: x = d (scale[g] − 32) (q − 4), q of three bits.
/// Low two bits as in Q2_K; the high bit of element 128h + 32k + i is bit 4h + k of hmask[i].
/// scale[g] of six bits: the low four are a nibble of scales[g % 8] (low for g < 8), the high two are bits
/// 2(g / 4), 2(g / 4) + 1 of scales[8 + g % 4].
struct BlockQ3_K {
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  f16_bits d;
};

/// 8 groups of 32: x = d scale[g] q − dmin min[g], scale and min of six bits (see scale_min).
/// Byte 32p + i of qs: low nibble is element 64p + i, high nibble is element 64p + 32 + i.
struct BlockQ4_K {
  f16_bits d, dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];
};

/// As Q4_K with q of five bits: the fifth bit of element 32g + i is bit g of qh[i].
struct BlockQ5_K {
  f16_bits d, dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};

/// 16 groups of 16: x = d scales[g] (q − 32), q of six bits. In each half h of 128 elements, element 32k + i
/// (k from 0 to 3) has its low four bits in ql[64h + 32(k % 2) + i], the low nibble for k < 2 and the high one
/// otherwise, and its high two in bits 2k, 2k+1 of qh[32h + i].
struct BlockQ6_K {
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  f16_bits d;
};

/// x = d iq4_values[q]. Nibbles as in Q4_0.
struct BlockIQ4_NL {
  f16_bits d;
  std::uint8_t qs[16];
};

/// 8 groups of 32: x = d (scale[g] − 32) iq4_values[q]. scale[g] of six bits: the low four are a nibble of
/// scales_l[g / 2] (low for even g), the high two are bits 2g, 2g+1 of scales_h.
/// Byte 16g + i of qs: low nibble is element 32g + i, high nibble is element 32g + 16 + i.
struct BlockIQ4_XS {
  f16_bits d;
  std::uint16_t scales_h;
  std::uint8_t scales_l[4];
  std::uint8_t qs[128];
};

#pragma pack(pop)

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);
static_assert(sizeof(BlockIQ4_NL) == 18 && sizeof(BlockIQ4_XS) == 136);

/// The sixteen levels of IQ4_NL and IQ4_XS, denser around zero (ggml-common.h, kvalues_iq4nl).
inline constexpr std::int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// The factors of a group in Q4_K and Q5_K, 0 to 63 each.
struct ScaleMin {
  std::uint8_t scale = 0, min = 0;
};

/// Group `g` of the eight packed into twelve bytes. Groups 0–3: the low six bits of bytes g (scale) and g + 4 (min).
/// Groups 4–7: low four bits in the nibbles of byte g + 4 (scale low, min high), high two bits on top of bytes g − 4
/// (scale) and g (min).
inline ScaleMin scale_min(const std::uint8_t (&scales)[12], std::size_t g) {
  const auto byte = [](int value) { return static_cast<std::uint8_t>(value); };
  if (g < 4) return {byte(scales[g] & 63), byte(scales[g + 4] & 63)};
  return {byte((scales[g + 4] & 15) | scales[g - 4] >> 6 << 4), byte(scales[g + 4] >> 4 | scales[g] >> 6 << 4)};
}

/// The six-bit scale of group `g`, 0 to 63.
inline int group_scale(const BlockQ3_K& block, std::size_t g) {
  return (block.scales[g % 8] >> (g < 8 ? 0 : 4) & 15) | (block.scales[8 + g % 4] >> 2 * (g / 4) & 3) << 4;
}

inline int group_scale(const BlockIQ4_XS& block, std::size_t g) {
  return (block.scales_l[g / 2] >> 4 * (g % 2) & 15) | (block.scales_h >> 2 * g & 3) << 4;
}

}  // namespace sw
