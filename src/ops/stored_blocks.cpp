#include "ops/stored_blocks.hpp"

#include <cstring>

#include "tensor/half.hpp"

namespace sw {
namespace {

std::uint16_t u16(const std::byte* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
std::uint8_t u8(const std::byte* at) {
  return static_cast<std::uint8_t>(*at);
}

/// 6-bit scale and minimum of sub-block j of a Q4_K or Q5_K super-block, packed into 12 bytes.
void scale_and_min(const std::byte* codes, int j, std::uint8_t& scale, std::uint8_t& min) {
  if (j < 4) {
    scale = u8(codes + j) & 63;
    min = u8(codes + j + 4) & 63;
  } else {
    scale = static_cast<std::uint8_t>((u8(codes + j + 4) & 15) | (u8(codes + j - 4) >> 6) << 4);
    min = static_cast<std::uint8_t>(u8(codes + j + 4) >> 4 | (u8(codes + j) >> 6) << 4);
  }
}

void set_factors(StoredBlock& block, float scale, float offset) {
  block.scale = {scale, scale};
  block.offset = {offset, offset};
}

/// 16 bytes: low nibbles are the first 16 codes, high nibbles the last 16.
void split_nibbles(const std::byte* bytes, StoredBlock& block) {
  for (int i = 0; i < 16; ++i) {
    block.q[i] = u8(bytes + i) & 15;
    block.q[i + 16] = u8(bytes + i) >> 4;
  }
}

void add_fifth_bits(const std::byte* bits, StoredBlock& block) {
  for (int i = 0; i < 32; ++i)
    block.q[i] = static_cast<std::uint8_t>(block.q[i] | (u8(bits + i / 8) >> i % 8 & 1) << 4);
}

/// Sub-block j of 32 inside the 128 bytes of nibbles of a K-quant super-block.
void super_nibbles(const std::byte* bytes, int j, StoredBlock& block) {
  for (int i = 0; i < 32; ++i) {
    const std::uint8_t byte = u8(bytes + j / 2 * 32 + i);
    block.q[i] = j % 2 ? byte >> 4 : byte & 15;
  }
}

// The non-linear 4-bit code book of IQ4_NL and IQ4_XS, shifted by 128 to be unsigned.
constexpr std::array<std::uint8_t, 16> iq4_codes = {1,   24,  45,  63,  79,  93,  106, 118,
                                                    129, 141, 153, 166, 181, 197, 217, 241};

}  // namespace

StoredBlock read_stored_block(DType dtype, const std::byte* row, std::int64_t b) {
  StoredBlock block;
  const DTypeInfo& type = info(dtype);
  const int j = type.block_size == 256 ? static_cast<int>(b % 8) : 0;
  const std::byte* at = row + static_cast<std::size_t>(type.block_size == 256 ? b / 8 : b) * type.block_bytes;
  switch (dtype) {
    case DType::q4_0:
      block.d = u16(at);
      split_nibbles(at + 2, block);
      set_factors(block, f16_to_f32(block.d), -8 * f16_to_f32(block.d));
      break;
    case DType::q4_1:
      split_nibbles(at + 4, block);
      set_factors(block, f16_to_f32(u16(at)), f16_to_f32(u16(at + 2)));
      break;
    case DType::q5_0:
      block.d = u16(at);
      split_nibbles(at + 6, block);
      add_fifth_bits(at + 2, block);
      set_factors(block, f16_to_f32(block.d), -16 * f16_to_f32(block.d));
      break;
    case DType::q5_1:
      split_nibbles(at + 8, block);
      add_fifth_bits(at + 4, block);
      set_factors(block, f16_to_f32(u16(at)), f16_to_f32(u16(at + 2)));
      break;
    case DType::q8_0:
      block.d = u16(at);
      for (int i = 0; i < 32; ++i) block.q[i] = u8(at + 2 + i) ^ 0x80;
      set_factors(block, f16_to_f32(block.d), -128 * f16_to_f32(block.d));
      break;
    case DType::q2_k: {
      const std::byte* scales = at;
      const std::byte* codes = at + 16;
      const float d = f16_to_f32(u16(at + 80)), dmin = f16_to_f32(u16(at + 82));
      for (int i = 0; i < 32; ++i) block.q[i] = u8(codes + j / 4 * 32 + i) >> j % 4 * 2 & 3;
      for (int half = 0; half < 2; ++half) {
        const std::uint8_t code = u8(scales + 2 * j + half);
        block.scale[half] = d * static_cast<float>(code & 15);
        block.offset[half] = -dmin * static_cast<float>(code >> 4);
      }
      break;
    }
    case DType::q3_k: {
      const std::byte* high = at;
      const std::byte* codes = at + 32;
      const std::byte* scales = at + 96;
      const float d = f16_to_f32(u16(at + 108));
      for (int i = 0; i < 32; ++i)
        block.q[i] =
            static_cast<std::uint8_t>((u8(codes + j / 4 * 32 + i) >> j % 4 * 2 & 3) | (u8(high + i) >> j & 1) << 2);
      for (int half = 0; half < 2; ++half) {
        const int s = 2 * j + half;
        const int low = s < 8 ? u8(scales + s) & 15 : u8(scales + s - 8) >> 4;
        const int top = u8(scales + 8 + s % 4) >> s / 4 * 2 & 3;
        block.scale[half] = d * static_cast<float>((low | top << 4) - 32);
        block.offset[half] = -4 * block.scale[half];
      }
      break;
    }
    case DType::q4_k:
    case DType::q5_k: {
      block.d = u16(at);
      block.dmin = u16(at + 2);
      scale_and_min(at + 4, j, block.code[0], block.min_code);
      if (dtype == DType::q4_k) {
        super_nibbles(at + 16, j, block);
      } else {
        super_nibbles(at + 48, j, block);
        for (int i = 0; i < 32; ++i)
          block.q[i] = static_cast<std::uint8_t>(block.q[i] | (u8(at + 16 + i) >> j & 1) << 4);
      }
      set_factors(block, f16_to_f32(block.d) * static_cast<float>(block.code[0]),
                  -f16_to_f32(block.dmin) * static_cast<float>(block.min_code));
      break;
    }
    case DType::q6_k: {
      const int half = j / 4, part = j % 4;  // 128 weights each; part: which 32 of them
      const std::byte* low = at + half * 64 + part % 2 * 32;
      const std::byte* high = at + 128 + half * 32;
      block.d = u16(at + 208);
      for (int i = 0; i < 32; ++i) {
        const int nibble = part < 2 ? u8(low + i) & 15 : u8(low + i) >> 4;
        block.q[i] = static_cast<std::uint8_t>(nibble | (u8(high + i) >> part * 2 & 3) << 4);
      }
      for (int s = 0; s < 2; ++s) {
        block.code[s] = u8(at + 192 + half * 8 + part * 2 + s);
        block.scale[s] = f16_to_f32(block.d) * static_cast<float>(static_cast<std::int8_t>(block.code[s]));
        block.offset[s] = -32 * block.scale[s];
      }
      break;
    }
    case DType::iq4_nl:
      split_nibbles(at + 2, block);
      for (auto& q : block.q) q = iq4_codes[q];
      set_factors(block, f16_to_f32(u16(at)), -128 * f16_to_f32(u16(at)));
      break;
    case DType::iq4_xs: {
      const int low = j % 2 ? u8(at + 4 + j / 2) >> 4 : u8(at + 4 + j / 2) & 15;
      const int code = (low | (u16(at + 2) >> 2 * j & 3) << 4) - 32;
      split_nibbles(at + 8 + 16 * j, block);
      for (auto& q : block.q) q = iq4_codes[q];
      const float scale = f16_to_f32(u16(at)) * static_cast<float>(code);
      set_factors(block, scale, -128 * scale);
      break;
    }
    default:
      break;
  }
  return block;
}

}  // namespace sw
