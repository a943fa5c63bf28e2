#include "ops/packing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "ops/stored_blocks.hpp"
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

template <class T>
void store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

float f16_at(const std::byte* at) {
  return f16_to_f32(load<std::uint16_t>(at));
}

/// Rows of plain numbers: element k of row r goes to [k][r], or [k / 2][r][k % 2] for pairs.
void pack_floats(DType dtype, const std::byte* const (&rows)[panel_rows], Packing packing, std::int64_t cols,
                 std::byte* panel) {
  const std::size_t in = info(dtype).block_bytes;
  for (int r = 0; r < panel_rows; ++r) {
    for (std::int64_t k = 0; k < cols; ++k) {
      const std::byte* at = rows[r] ? rows[r] + static_cast<std::size_t>(k) * in : nullptr;
      if (packing == Packing::f32) {
        const float value = !at                   ? 0.0f
                            : dtype == DType::f32 ? load<float>(at)
                            : dtype == DType::f16 ? f16_at(at)
                                                  : bf16_to_f32(load<std::uint16_t>(at));
        store(panel + static_cast<std::size_t>(k * panel_rows + r) * sizeof value, value);
      } else if (packing == Packing::bf16_pairs) {
        std::uint16_t value = at ? load<std::uint16_t>(at) : std::uint16_t{0};
        if (at && dtype == DType::f16) value = f32_to_bf16(f16_to_f32(value));
        store(panel + static_cast<std::size_t>((k / 2 * panel_rows + r) * 2 + k % 2) * sizeof value, value);
      } else {
        const std::uint16_t value = at ? load<std::uint16_t>(at) : std::uint16_t{0};
        store(panel + static_cast<std::size_t>(k * panel_rows + r) * sizeof value, value);
      }
    }
  }
}

// Q4_0 keeps elements i and i + 16 of a block in one byte, which is just what a packed quad holds: whole words move.
void pack_q4_0(const std::byte* const (&rows)[panel_rows], const PanelLayout& at, std::int64_t blocks,
               std::byte* panel) {
  constexpr std::size_t stored = 18;
  for (std::int64_t b = 0; b < blocks; ++b) {
    std::byte* quants = panel + at.quants + static_cast<std::size_t>(b) * 256;
    std::byte* scales = panel + at.scales + static_cast<std::size_t>(b) * 32;
    for (int r = 0; r < panel_rows; ++r) {
      if (!rows[r]) continue;
      const std::byte* block = rows[r] + static_cast<std::size_t>(b) * stored;
      std::memcpy(scales + 2 * r, block, 2);
      for (int j = 0; j < 4; ++j) std::memcpy(quants + 64 * j + 4 * r, block + 2 + 4 * j, 4);
    }
  }
}

void pack_q8_0(const std::byte* const (&rows)[panel_rows], const PanelLayout& at, std::int64_t blocks,
               std::byte* panel) {
  constexpr std::size_t stored = 34;
  for (std::int64_t b = 0; b < blocks; ++b) {
    std::byte* quants = panel + at.quants + static_cast<std::size_t>(b) * 512;
    std::byte* scales = panel + at.scales + static_cast<std::size_t>(b) * 32;
    for (int r = 0; r < panel_rows; ++r) {
      if (!rows[r]) continue;
      const std::byte* block = rows[r] + static_cast<std::size_t>(b) * stored;
      std::memcpy(scales + 2 * r, block, 2);
      for (int j = 0; j < 8; ++j) store(quants + 64 * j + 4 * r, load<std::uint32_t>(block + 2 + 4 * j) ^ 0x80808080u);
    }
  }
}

/// A bound on |exact − screened| product for activations of length 1 (Cauchy–Schwarz), rounding of both included.
///
/// Exact product: Σ_b t_b·(s_b·x_b) with t_b = Σ (q − 128)·x̂ over 32 columns. The screen takes every low nibble to be
/// 7.5, so the real sums differ by Σ s·(low − 7.5)·x̂ ≤ ‖e‖·‖x̂‖ with e the row of s·(low − 7.5). A floating-point sum of
/// n blocks is within (n + 4)·2⁻²⁴·Σ|terms| of its real value to first order, and Σ|terms| ≤ (‖w‖ + ‖e‖)·‖x̂‖; eight
/// times that covers both sums, higher orders and the comparison.
float screening_bound(const std::byte* row, std::int64_t blocks) {
  double residual = 0, weight = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::byte* block = row + b * 34;
    const auto scale = static_cast<double>(f16_at(block));
    for (int i = 0; i < 32; ++i) {
      const int q = static_cast<int>(static_cast<std::int8_t>(block[2 + i])) + 128;
      const double error = scale * ((q & 15) - 7.5), value = scale * (q - 128);
      residual += error * error;
      weight += value * value;
    }
  }
  const double rounding = 8 * static_cast<double>(blocks + 4) * 0x1p-24 * (std::sqrt(weight) + std::sqrt(residual));
  return static_cast<float>((std::sqrt(residual) + rounding) * (1 + 1e-6));
}

void pack_q8_split(const std::byte* const (&rows)[panel_rows], const PanelLayout& at, std::int64_t blocks,
                   std::byte* panel, std::byte* low_nibbles) {
  constexpr std::size_t stored = 34;
  constexpr std::uint32_t high = 0xf0f0f0f0u, low = 0x0f0f0f0fu;
  for (int r = 0; r < panel_rows; ++r) {
    if (!rows[r]) continue;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::byte* block = rows[r] + static_cast<std::size_t>(b) * stored;
      std::memcpy(panel + at.scales + b * 32 + 2 * r, block, 2);
      for (int j = 0; j < 4; ++j) {
        const std::uint32_t first = load<std::uint32_t>(block + 2 + 4 * j) ^ 0x80808080u;
        const std::uint32_t second = load<std::uint32_t>(block + 18 + 4 * j) ^ 0x80808080u;
        store(panel + at.quants + b * 256 + 64 * j + 4 * r, (first & high) >> 4 | (second & high));
        store(low_nibbles + b * 256 + low_nibbles_of_row(r) + 4 * j, (first & low) | (second & low) << 4);
      }
    }
    store(panel + at.supers + 4 * r, screening_bound(rows[r], blocks));
  }
}

/// Quads of four 4-bit codes of 16 rows; also the two planes of bits above them.
struct QuadWriter {
  std::byte* quants;  ///< of one block of 32 columns
  std::byte* high;

  void low_bits(int r, const std::array<std::uint8_t, 32>& q) const {
    for (int k = 0; k < 16; ++k)
      quants[64 * (k / 4) + 4 * r + k % 4] = static_cast<std::byte>((q[k] & 15) | (q[k + 16] & 15) << 4);
  }
  void fifth_bit(int r, const std::array<std::uint8_t, 32>& q) const {
    for (int k = 0; k < 32; ++k) {
      const int bit = 4 * r + k % 4;
      std::byte& byte = high[8 * (k / 4) + bit / 8];
      byte |= static_cast<std::byte>((q[k] >> 4 & 1) << bit % 8);
    }
  }
  void two_high_bits(int r, const std::array<std::uint8_t, 32>& q) const {
    for (int k = 0; k < 32; ++k) {
      const int group = k / 4, j = group % 2, shift = group / 2 * 2;
      high[64 * j + 4 * r + k % 4] |= static_cast<std::byte>((q[k] >> 4 & 3) << shift);
    }
  }
};

void pack_blocks(DType dtype, const std::byte* const (&rows)[panel_rows], const PackedMatrix& matrix,
                 std::byte* panel) {
  const Packing packing = matrix.packing;
  const PanelLayout& at = matrix.layout;
  const std::size_t quant_bytes = packing == Packing::affine8 ? 512 : 256;
  const std::size_t high_bytes = packing == Packing::q6_k ? 128 : 64;
  for (int r = 0; r < panel_rows; ++r) {
    if (!rows[r]) continue;
    for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
      const StoredBlock block = read_stored_block(dtype, rows[r], b);
      const auto i = static_cast<std::size_t>(b);
      const QuadWriter out{panel + at.quants + i * quant_bytes, panel + at.high + i * high_bytes};
      if (packing == Packing::affine8) {
        for (int k = 0; k < 32; ++k) out.quants[64 * (k / 4) + 4 * r + k % 4] = static_cast<std::byte>(block.q[k]);
        for (std::size_t half = 0; half < 2; ++half) {
          std::byte* scales = panel + at.scales + (2 * i + half) * 128;
          store(scales + 4 * r, block.scale[half]);
          store(scales + 64 + 4 * r, block.offset[half]);
        }
        continue;
      }
      out.low_bits(r, block.q);
      switch (packing) {
        case Packing::q5_0:
          out.fifth_bit(r, block.q);
          store(panel + at.scales + i * 32 + 2 * r, block.d);
          break;
        case Packing::q5_k:
          out.fifth_bit(r, block.q);
          [[fallthrough]];
        case Packing::q4_k:
          panel[at.scales + i * 32 + r] = static_cast<std::byte>(block.code[0]);
          panel[at.scales + i * 32 + 16 + r] = static_cast<std::byte>(block.min_code);
          if (b % 8 == 0) {
            store(panel + at.supers + i / 8 * 64 + 2 * r, block.d);
            store(panel + at.supers + i / 8 * 64 + 32 + 2 * r, block.dmin);
          }
          break;
        default:  // q6_k
          out.two_high_bits(r, block.q);
          panel[at.scales + i * 32 + r] = static_cast<std::byte>(block.code[0]);
          panel[at.scales + i * 32 + 16 + r] = static_cast<std::byte>(block.code[1]);
          if (b % 8 == 0) store(panel + at.supers + i / 8 * 32 + 2 * r, block.d);
      }
    }
  }
}

}  // namespace

PanelLayout panel_layout(Packing packing, std::int64_t cols) {
  const auto k = static_cast<std::size_t>(cols);
  const std::size_t blocks = k / 32, super_blocks = k / 256;
  std::size_t quants = 0, high = 0, scales = 0, supers = 0, low = 0;
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
      quants = low = blocks * 256, scales = blocks * 32, supers = 64;
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
  layout.low_bytes = low;
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

void pack_panel(DType dtype, const std::byte* const (&rows)[panel_rows], const PackedMatrix& matrix, std::int64_t p) {
  const PanelLayout& at = matrix.layout;
  const std::int64_t cols = matrix.cols;
  auto* panel = const_cast<std::byte*>(matrix.panel(p));
  switch (matrix.packing) {
    case Packing::f32:
    case Packing::f16:
    case Packing::bf16:
    case Packing::bf16_pairs:
      return pack_floats(dtype, rows, matrix.packing, cols, panel);
    case Packing::q4_0:
      return pack_q4_0(rows, at, cols / 32, panel);
    case Packing::q8_0:
      return pack_q8_0(rows, at, cols / 32, panel);
    case Packing::q8_split:
      return pack_q8_split(rows, at, cols / 32, panel, const_cast<std::byte*>(matrix.low_nibbles(p)));
    default:
      return pack_blocks(dtype, rows, matrix, panel);
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
        const std::byte* low_nibbles = matrix.low_nibbles(row / panel_rows) + b * 256 + low_nibbles_of_row(r);
        const auto low = static_cast<int>(low_nibbles[i % 16]) >> (i < 16 ? 0 : 4) & 15;
        out[k] = scale16() * static_cast<float>((nibble(quants, b, i, r) << 4 | low) - 128);
        break;
      }
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
