#include "ops/packing.hpp"

#include <cstring>

#include "tensor/half.hpp"

namespace sw {
namespace {

constexpr std::size_t line = 64;
constexpr std::size_t round_to_line(std::size_t n) {
  return (n + line - 1) / line * line;
}

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float f16_at(const std::byte* at) {
  return f16_to_f32(load<std::uint16_t>(at));
}

}  // namespace

PanelLayout panel_layout(Packing packing, std::int64_t cols) {
  const auto k = static_cast<std::size_t>(cols);
  const std::size_t blocks = k / 32, super_blocks = k / 256;
  std::size_t quants = 0, high = 0, scales = 0, supers = 0, apart = 0;
  switch (packing) {
    case Packing::f32:
      quants = k * panel_rows * 4;
      break;
    case Packing::f16:
    case Packing::bf16:
      quants = k * panel_rows * 2;
      break;
    case Packing::bf16_pairs:
      quants = (k + 1) / 2 * 2 * panel_rows * 2;
      break;
    case Packing::q4_0:
      quants = blocks * 256, scales = blocks * 32;
      break;
    case Packing::q5_0:
      quants = blocks * 256, high = blocks * 64, scales = blocks * 32;
      break;
    case Packing::q8_0:
      quants = blocks * 512, scales = blocks * 32;
      break;
    case Packing::q4_k:
      quants = blocks * 256, scales = blocks * 32, supers = super_blocks * 64;
      break;
    case Packing::q5_k:
      quants = blocks * 256, high = blocks * 64, scales = blocks * 32, supers = super_blocks * 64;
      break;
    case Packing::q6_k:
      quants = blocks * 256, high = blocks * 128, scales = blocks * 32, supers = super_blocks * 32;
      break;
    case Packing::q8_split:
      quants = apart = blocks * 256, scales = blocks * 32, supers = 64;
      break;
    case Packing::bf16_split:
      quants = blocks * 256, scales = blocks * 32, supers = 128, apart = blocks * 48 * panel_rows;
      break;
    case Packing::affine8:
      quants = blocks * 512, scales = blocks * 256;
      break;
  }
  PanelLayout layout;
  layout.quants = 0;
  layout.high = layout.quants + round_to_line(quants);
  layout.scales = layout.high + round_to_line(high);
  layout.supers = layout.scales + round_to_line(scales);
  layout.bytes = layout.supers + round_to_line(supers);
  layout.apart_bytes = apart;
  return layout;
}

Packing packing_for(DType dtype, bool bf16_dot) {
  switch (dtype) {
    case DType::f16:
      return bf16_dot ? Packing::bf16_pairs : Packing::f16;
    case DType::bf16:
      return bf16_dot ? Packing::bf16_pairs : Packing::bf16;
    case DType::q4_0:
      return Packing::q4_0;
    case DType::q5_0:
      return Packing::q5_0;
    case DType::q8_0:
      return Packing::q8_0;
    case DType::q4_k:
      return Packing::q4_k;
    case DType::q5_k:
      return Packing::q5_k;
    case DType::q6_k:
      return Packing::q6_k;
    case DType::q4_1:
    case DType::q5_1:
    case DType::q2_k:
    case DType::q3_k:
    case DType::iq4_nl:
    case DType::iq4_xs:
      return Packing::affine8;
    default:
      return Packing::f32;
  }
}

namespace {

/// Code of column k = 32·b + i of lane r from nibble quads.
int nibble(const std::byte* quants, std::int64_t b, int i, int r) {
  const auto byte = static_cast<int>(quants[b * 256 + 64 * (i % 16 / 4) + 4 * r + i % 4]);
  return i < 16 ? byte & 15 : byte >> 4;
}
int fifth_bit(const std::byte* high, std::int64_t b, int i, int r) {
  const int bit = 4 * r + i % 4;
  return static_cast<int>(high[b * 64 + 8 * (i / 4) + bit / 8]) >> bit % 8 & 1;
}
int two_high_bits(const std::byte* high, std::int64_t b, int i, int r) {
  const int group = i / 4;
  return static_cast<int>(high[b * 128 + 64 * (group % 2) + 4 * r + i % 4]) >> group / 2 * 2 & 3;
}

}  // namespace

std::uint16_t split_bf16(int code, const std::byte* rest, int i) {
  const int upper = static_cast<int>(rest[32 + i / 2]) >> i % 2 * 4 & 15;
  return static_cast<std::uint16_t>((code < 8 ? 0x8000 : 0) | 0x3000 | upper << 8 | static_cast<int>(rest[i]));
}

bool is_whole(const PackedMatrix& matrix) {
  for (std::int64_t row = 0; row < matrix.rows; ++row)
    if (!(load<float>(matrix.panel(row / panel_rows) + matrix.layout.supers + row % panel_rows * 4) >= 0)) return false;
  return true;
}

void unpack_row(const PackedMatrix& matrix, std::int64_t row, float* out) {
  const std::byte* panel = matrix.panel(row / panel_rows);
  const int r = static_cast<int>(row % panel_rows);
  const PanelLayout& at = matrix.layout;
  const std::byte* quants = panel + at.quants;
  const std::byte* high = panel + at.high;
  const std::byte* scales = panel + at.scales;
  const std::byte* supers = panel + at.supers;
  for (std::int64_t k = 0; k < matrix.cols; ++k) {
    const std::int64_t b = k / 32;
    const int i = static_cast<int>(k % 32);
    const auto scale16 = [&] { return f16_at(scales + b * 32 + 2 * r); };
    const auto byte_scale = [&](int half) { return static_cast<int>(scales[b * 32 + 16 * half + r]); };
    switch (matrix.packing) {
      case Packing::f32:
        out[k] = load<float>(quants + (k * panel_rows + r) * 4);
        break;
      case Packing::f16:
        out[k] = f16_at(quants + (k * panel_rows + r) * 2);
        break;
      case Packing::bf16:
        out[k] = bf16_to_f32(load<std::uint16_t>(quants + (k * panel_rows + r) * 2));
        break;
      case Packing::bf16_pairs:
        out[k] = bf16_to_f32(load<std::uint16_t>(quants + ((k / 2 * panel_rows + r) * 2 + k % 2) * 2));
        break;
      case Packing::q4_0:
        out[k] = scale16() * static_cast<float>(nibble(quants, b, i, r) - 8);
        break;
      case Packing::q5_0:
        out[k] = scale16() * static_cast<float>((nibble(quants, b, i, r) | fifth_bit(high, b, i, r) << 4) - 16);
        break;
      case Packing::q8_0: {
        const auto q = static_cast<int>(quants[b * 512 + 64 * (i / 4) + 4 * r + i % 4]);
        out[k] = scale16() * static_cast<float>(q - 128);
        break;
      }
      case Packing::q4_k:
      case Packing::q5_k: {
        int q = nibble(quants, b, i, r);
        if (matrix.packing == Packing::q5_k) q |= fifth_bit(high, b, i, r) << 4;
        const float d = f16_at(supers + b / 8 * 64 + 2 * r), dmin = f16_at(supers + b / 8 * 64 + 32 + 2 * r);
        out[k] =
            d * static_cast<float>(byte_scale(0)) * static_cast<float>(q) - dmin * static_cast<float>(byte_scale(1));
        break;
      }
      case Packing::q6_k: {
        const int q = (nibble(quants, b, i, r) | two_high_bits(high, b, i, r) << 4) - 32;
        const auto scale = static_cast<float>(static_cast<std::int8_t>(byte_scale(i / 16)));
        out[k] = f16_at(supers + b / 8 * 32 + 2 * r) * scale * static_cast<float>(q);
        break;
      }
      case Packing::q8_split: {
        const std::byte* low_nibbles = matrix.apart(row / panel_rows) + b * 256 + low_nibbles_of_row(r);
        const auto low = static_cast<int>(low_nibbles[i % 16]) >> (i < 16 ? 0 : 4) & 15;
        out[k] = scale16() * static_cast<float>((nibble(quants, b, i, r) << 4 | low) - 128);
        break;
      }
      case Packing::bf16_split:
        out[k] = bf16_to_f32(split_bf16(
            nibble(quants, b, i, r), matrix.apart(row / panel_rows) + r * split_row_bytes(matrix.cols) + b * 48, i));
        break;
      case Packing::affine8: {
        const auto q = static_cast<float>(static_cast<int>(quants[b * 512 + 64 * (i / 4) + 4 * r + i % 4]));
        const std::byte* pair = scales + (2 * b + i / 16) * 128;
        out[k] = load<float>(pair + 4 * r) * q + load<float>(pair + 64 + 4 * r);
        break;
      }
    }
  }
}

}  // namespace sw
