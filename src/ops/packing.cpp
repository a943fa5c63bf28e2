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
  const std::size_t blocks = k / 32;
  const PanelGroup group = panel_group(packing);
  PanelLayout layout;
  layout.bounds = static_cast<std::size_t>((cols / 32 + group.blocks - 1) / group.blocks * group.bytes());
  layout.bytes = layout.bounds;
  switch (packing) {
    case Packing::f32:
      layout.bytes = k * panel_rows * 4;
      break;
    case Packing::f16:
    case Packing::bf16:
      layout.bytes = k * panel_rows * 2;
      break;
    case Packing::bf16_pairs:
      layout.bytes = (k + 1) / 2 * 2 * panel_rows * 2;
      break;
    case Packing::q8_split:
      layout.bytes += 64;
      layout.apart_bytes = blocks * 256;
      break;
    case Packing::bf16_split:
      layout.bytes += 128;
      layout.apart_bytes = blocks * 48 * panel_rows;
      break;
    default:
      break;
  }
  layout.bytes = round_to_line(layout.bytes);
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

/// Code of column i of a block, of lane r, from nibble quads.
int nibble(const std::byte* quants, int i, int r) {
  const auto byte = static_cast<int>(quants[64 * (i % 16 / 4) + 4 * r + i % 4]);
  return i < 16 ? byte & 15 : byte >> 4;
}
int fifth_bit(const std::byte* high, int i, int r) {
  const int bit = 4 * r + i % 4;
  return static_cast<int>(high[8 * (i / 4) + bit / 8]) >> bit % 8 & 1;
}
int two_high_bits(const std::byte* high, int i, int r) {
  const int group = i / 4;
  return static_cast<int>(high[64 * (group % 2) + 4 * r + i % 4]) >> group / 2 * 2 & 3;
}

}  // namespace

std::uint16_t split_bf16(int code, const std::byte* rest, int i) {
  const int upper = static_cast<int>(rest[32 + i / 2]) >> i % 2 * 4 & 15;
  return static_cast<std::uint16_t>((code < 8 ? 0x8000 : 0) | 0x3000 | upper << 8 | static_cast<int>(rest[i]));
}

bool is_whole(const PackedMatrix& matrix) {
  for (std::int64_t row = 0; row < matrix.rows; ++row)
    if (!(load<float>(matrix.panel(row / panel_rows) + matrix.layout.bounds + row % panel_rows * 4) >= 0)) return false;
  return true;
}

void unpack_row(const PackedMatrix& matrix, std::int64_t row, float* out) {
  const std::byte* panel = matrix.panel(row / panel_rows);
  const int r = static_cast<int>(row % panel_rows);
  const PanelGroup group = panel_group(matrix.packing);
  for (std::int64_t k = 0; k < matrix.cols; ++k) {
    const std::int64_t b = k / 32;
    const int i = static_cast<int>(k % 32);
    const std::byte* quants = panel + group.quants_of(b);
    const std::byte* high = panel + group.high_of(b);
    const std::byte* scales = panel + group.scales_of(b);
    const std::byte* supers = panel + group.supers_of(b);
    const auto scale16 = [&] { return f16_at(scales + 2 * r); };
    const auto byte_scale = [&](int half) { return static_cast<int>(scales[16 * half + r]); };
    const auto byte_code = [&] { return static_cast<int>(quants[64 * (i / 4) + 4 * r + i % 4]); };
    switch (matrix.packing) {
      case Packing::f32:
        out[k] = load<float>(panel + (k * panel_rows + r) * 4);
        break;
      case Packing::f16:
        out[k] = f16_at(panel + (k * panel_rows + r) * 2);
        break;
      case Packing::bf16:
        out[k] = bf16_to_f32(load<std::uint16_t>(panel + (k * panel_rows + r) * 2));
        break;
      case Packing::bf16_pairs:
        out[k] = bf16_to_f32(load<std::uint16_t>(panel + ((k / 2 * panel_rows + r) * 2 + k % 2) * 2));
        break;
      case Packing::q4_0:
        out[k] = scale16() * static_cast<float>(nibble(quants, i, r) - 8);
        break;
      case Packing::q5_0:
        out[k] = scale16() * static_cast<float>((nibble(quants, i, r) | fifth_bit(high, i, r) << 4) - 16);
        break;
      case Packing::q8_0:
        out[k] = scale16() * static_cast<float>(byte_code() - 128);
        break;
      case Packing::q4_k:
      case Packing::q5_k: {
        int q = nibble(quants, i, r);
        if (matrix.packing == Packing::q5_k) q |= fifth_bit(high, i, r) << 4;
        const float d = f16_at(supers + 2 * r), dmin = f16_at(supers + 32 + 2 * r);
        out[k] =
            d * static_cast<float>(byte_scale(0)) * static_cast<float>(q) - dmin * static_cast<float>(byte_scale(1));
        break;
      }
      case Packing::q6_k: {
        const int q = (nibble(quants, i, r) | two_high_bits(high, i, r) << 4) - 32;
        const auto scale = static_cast<float>(static_cast<std::int8_t>(byte_scale(i / 16)));
        out[k] = f16_at(supers + 2 * r) * scale * static_cast<float>(q);
        break;
      }
      case Packing::q8_split: {
        const std::byte* low_nibbles = matrix.apart(row / panel_rows) + b * 256 + low_nibbles_of_row(r);
        const auto low = static_cast<int>(low_nibbles[i % 16]) >> (i < 16 ? 0 : 4) & 15;
        out[k] = scale16() * static_cast<float>((nibble(quants, i, r) << 4 | low) - 128);
        break;
      }
      case Packing::bf16_split:
        out[k] = bf16_to_f32(split_bf16(nibble(quants, i, r),
                                        matrix.apart(row / panel_rows) + r * split_row_bytes(matrix.cols) + b * 48, i));
        break;
      case Packing::affine8: {
        const std::byte* pair = scales + i / 16 * 128;
        out[k] = load<float>(pair + 4 * r) * static_cast<float>(byte_code()) + load<float>(pair + 64 + 4 * r);
        break;
      }
    }
  }
}

}  // namespace sw
