#include <cstring>

#include "quant/blocks.hpp"
#include "quant/quant.hpp"
#include "tensor/half.hpp"

// Every product and difference is rounded in the order in which ggml's dequantize_row_* write them, so that results
// are equal to the last bit.
namespace sw {
namespace {

std::uint32_t load_bits(const std::uint8_t (&bytes)[4]) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

void expand(const BlockQ4_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    x[i] = static_cast<float>((block.qs[i] & 15) - 8) * d;
    x[i + 16] = static_cast<float>((block.qs[i] >> 4) - 8) * d;
  }
}

void expand(const BlockQ4_1& block, float* x) {
  const float d = f16_to_f32(block.d), m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i) {
    x[i] = static_cast<float>(block.qs[i] & 15) * d + m;
    x[i + 16] = static_cast<float>(block.qs[i] >> 4) * d + m;
  }
}

void expand(const BlockQ5_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  const std::uint32_t high = load_bits(block.qh);
  for (int i = 0; i < 16; ++i) {
    x[i] = static_cast<float>(static_cast<int>((block.qs[i] & 15u) | (high >> i & 1u) << 4) - 16) * d;
    x[i + 16] = static_cast<float>(static_cast<int>(block.qs[i] >> 4 | (high >> (i + 16) & 1u) << 4) - 16) * d;
  }
}

void expand(const BlockQ5_1& block, float* x) {
  const float d = f16_to_f32(block.d), m = f16_to_f32(block.m);
  const std::uint32_t high = load_bits(block.qh);
  for (int i = 0; i < 16; ++i) {
    x[i] = static_cast<float>((block.qs[i] & 15u) | (high >> i & 1u) << 4) * d + m;
    x[i + 16] = static_cast<float>(block.qs[i] >> 4 | (high >> (i + 16) & 1u) << 4) * d + m;
  }
}

void expand(const BlockQ8_0& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) x[i] = static_cast<float>(block.qs[i]) * d;
}

void expand(const BlockQ2_K& block, float* x) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (int g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(block.scales[g] & 15);
    const float min = dmin * static_cast<float>(block.scales[g] >> 4);
    const std::uint8_t* qs = block.qs + g / 8 * 32 + g % 2 * 16;
    const int shift = g % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) *x++ = scale * static_cast<float>(qs[i] >> shift & 3) - min;
  }
}

void expand(const BlockQ3_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (unsigned g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(group_scale(block, g) - 32);
    const std::uint8_t* qs = block.qs + g / 8 * 32 + g % 2 * 16;
    const std::uint8_t* high = block.hmask + g % 2 * 16;
    const unsigned shift = g % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i)
      *x++ = scale * static_cast<float>((qs[i] >> shift & 3) - ((high[i] >> g / 2 & 1) != 0 ? 0 : 4));
  }
}

void expand(const BlockQ4_K& block, float* x) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (unsigned g = 0; g < 8; ++g) {
    const ScaleMin factors = scale_min(block.scales, g);
    const float scale = d * static_cast<float>(factors.scale), min = dmin * static_cast<float>(factors.min);
    const std::uint8_t* qs = block.qs + g / 2 * 32;
    for (int i = 0; i < 32; ++i) *x++ = scale * static_cast<float>(qs[i] >> g % 2 * 4 & 15) - min;
  }
}

void expand(const BlockQ5_K& block, float* x) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (unsigned g = 0; g < 8; ++g) {
    const ScaleMin factors = scale_min(block.scales, g);
    const float scale = d * static_cast<float>(factors.scale), min = dmin * static_cast<float>(factors.min);
    const std::uint8_t* qs = block.qs + g / 2 * 32;
    for (int i = 0; i < 32; ++i)
      *x++ = scale * static_cast<float>((qs[i] >> g % 2 * 4 & 15) | (block.qh[i] >> g & 1) << 4) - min;
  }
}

void expand(const BlockQ6_K& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (unsigned g = 0; g < 16; ++g) {
    const float scale = d * static_cast<float>(block.scales[g]);
    const unsigned half = g / 8, k = g % 8 / 2, begin = g % 2 * 16;
    const std::uint8_t* low = block.ql + 64 * half + 32 * (k % 2) + begin;
    const std::uint8_t* high = block.qh + 32 * half + begin;
    for (int i = 0; i < 16; ++i)
      *x++ = scale * static_cast<float>(((low[i] >> (k < 2 ? 0 : 4) & 15) | (high[i] >> 2 * k & 3) << 4) - 32);
  }
}

void expand_iq4(float scale, const std::uint8_t* qs, float* x) {
  for (int i = 0; i < 16; ++i) {
    x[i] = scale * static_cast<float>(iq4_values[qs[i] & 15]);
    x[i + 16] = scale * static_cast<float>(iq4_values[qs[i] >> 4]);
  }
}

void expand(const BlockIQ4_NL& block, float* x) {
  expand_iq4(f16_to_f32(block.d), block.qs, x);
}

void expand(const BlockIQ4_XS& block, float* x) {
  const float d = f16_to_f32(block.d);
  for (unsigned g = 0; g < 8; ++g)
    expand_iq4(d * static_cast<float>(group_scale(block, g) - 32), block.qs + 16 * g, x + 32 * g);
}

template <class Block, std::size_t block_size>
void expand_row(const std::byte* row, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += block_size, row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof block);
    expand(block, out.data() + i);
  }
}

template <class Stored, class Convert>
void convert_row(const std::byte* row, std::span<float> out, Convert convert) {
  for (float& x : out) {
    Stored stored;
    std::memcpy(&stored, row, sizeof stored);
    row += sizeof stored;
    x = convert(stored);
  }
}

template <class Stored>
void cast_row(const std::byte* row, std::span<float> out) {
  convert_row<Stored>(row, out, [](Stored value) { return static_cast<float>(value); });
}

}  // namespace

void dequantize(DType dtype, const std::byte* row, std::span<float> out) {
  switch (dtype) {
    case DType::f32:
      return cast_row<float>(row, out);
    case DType::f16:
      return convert_row<std::uint16_t>(row, out, f16_to_f32);
    case DType::bf16:
      return convert_row<std::uint16_t>(row, out, bf16_to_f32);
    case DType::q4_0:
      return expand_row<BlockQ4_0, small_block>(row, out);
    case DType::q4_1:
      return expand_row<BlockQ4_1, small_block>(row, out);
    case DType::q5_0:
      return expand_row<BlockQ5_0, small_block>(row, out);
    case DType::q5_1:
      return expand_row<BlockQ5_1, small_block>(row, out);
    case DType::q8_0:
      return expand_row<BlockQ8_0, small_block>(row, out);
    case DType::q2_k:
      return expand_row<BlockQ2_K, super_block>(row, out);
    case DType::q3_k:
      return expand_row<BlockQ3_K, super_block>(row, out);
    case DType::q4_k:
      return expand_row<BlockQ4_K, super_block>(row, out);
    case DType::q5_k:
      return expand_row<BlockQ5_K, super_block>(row, out);
    case DType::q6_k:
      return expand_row<BlockQ6_K, super_block>(row, out);
    case DType::iq4_nl:
      return expand_row<BlockIQ4_NL, small_block>(row, out);
    case DType::iq4_xs:
      return expand_row<BlockIQ4_XS, super_block>(row, out);
    case DType::i8:
      return cast_row<std::int8_t>(row, out);
    case DType::i16:
      return cast_row<std::int16_t>(row, out);
    case DType::i32:
      return cast_row<std::int32_t>(row, out);
    case DType::i64:
      return cast_row<std::int64_t>(row, out);
    case DType::f64:
      return cast_row<double>(row, out);
  }
}

}  // namespace sw
