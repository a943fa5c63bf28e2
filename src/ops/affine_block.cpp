#include "ops/affine_block.hpp"

#include "quant/blocks.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

void set_factors(AffineBlock& out, std::size_t half, float scale, float offset) {
  out.scale[half] = scale;
  out.offset[half] = offset;
}

void set_factors(AffineBlock& out, float scale, float offset) {
  set_factors(out, 0, scale, offset);
  set_factors(out, 1, scale, offset);
}

/// 16 bytes: low nibbles are the first 16 codes, high nibbles the last 16.
void split_nibbles(const std::uint8_t* bytes, AffineBlock& out) {
  for (std::size_t i = 0; i < 16; ++i) {
    out.q[i] = bytes[i] & 15;
    out.q[i + 16] = bytes[i] >> 4;
  }
}

void read(const BlockQ4_1& block, std::size_t, AffineBlock& out) {
  split_nibbles(block.qs, out);
  set_factors(out, f16_to_f32(block.d), f16_to_f32(block.m));
}

void read(const BlockQ5_1& block, std::size_t, AffineBlock& out) {
  split_nibbles(block.qs, out);
  for (std::size_t i = 0; i < 32; ++i)
    out.q[i] = static_cast<std::uint8_t>(out.q[i] | (block.qh[i / 8] >> i % 8 & 1) << 4);
  set_factors(out, f16_to_f32(block.d), f16_to_f32(block.m));
}

// In a super-block, j counts its eight blocks of 32.

void read(const BlockQ2_K& block, std::size_t j, AffineBlock& out) {
  for (std::size_t i = 0; i < 32; ++i) out.q[i] = block.qs[j / 4 * 32 + i] >> j % 4 * 2 & 3;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint8_t code = block.scales[2 * j + half];
    set_factors(out, half, f16_to_f32(block.d) * static_cast<float>(code & 15),
                -f16_to_f32(block.dmin) * static_cast<float>(code >> 4));
  }
}

void read(const BlockQ3_K& block, std::size_t j, AffineBlock& out) {
  for (std::size_t i = 0; i < 32; ++i)
    out.q[i] = static_cast<std::uint8_t>((block.qs[j / 4 * 32 + i] >> j % 4 * 2 & 3) | (block.hmask[i] >> j & 1) << 2);
  for (std::size_t half = 0; half < 2; ++half) {
    const float scale = f16_to_f32(block.d) * static_cast<float>(group_scale(block, 2 * j + half) - 32);
    set_factors(out, half, scale, -4 * scale);
  }
}

/// Levels of the code book, shifted by 128 to be unsigned.
void read_iq4(const std::uint8_t* bytes, float scale, AffineBlock& out) {
  split_nibbles(bytes, out);
  for (auto& q : out.q) q = static_cast<std::uint8_t>(iq4_values[q] + 128);
  set_factors(out, scale, -128 * scale);
}

void read(const BlockIQ4_NL& block, std::size_t, AffineBlock& out) {
  read_iq4(block.qs, f16_to_f32(block.d), out);
}

void read(const BlockIQ4_XS& block, std::size_t j, AffineBlock& out) {
  read_iq4(block.qs + 16 * j, f16_to_f32(block.d) * static_cast<float>(group_scale(block, j) - 32), out);
}

template <class Block>
AffineBlock read(const std::byte* row, std::int64_t b, std::size_t stored) {
  const auto blocks = static_cast<std::int64_t>(stored / small_block);
  AffineBlock out;
  read(reinterpret_cast<const Block*>(row)[b / blocks], static_cast<std::size_t>(b % blocks), out);
  return out;
}

}  // namespace

AffineBlock read_affine_block(DType dtype, const std::byte* row, std::int64_t b) {
  switch (dtype) {
    case DType::q4_1:
      return read<BlockQ4_1>(row, b, small_block);
    case DType::q5_1:
      return read<BlockQ5_1>(row, b, small_block);
    case DType::q2_k:
      return read<BlockQ2_K>(row, b, super_block);
    case DType::q3_k:
      return read<BlockQ3_K>(row, b, super_block);
    case DType::iq4_nl:
      return read<BlockIQ4_NL>(row, b, small_block);
    case DType::iq4_xs:
      return read<BlockIQ4_XS>(row, b, super_block);
    default:
      return {};  // has a packing of its own
  }
}

}  // namespace sw
