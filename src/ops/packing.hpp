#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/tensor.hpp"

namespace sw {

/// Rows of a matrix that are stored, and multiplied, together: one per 32-bit lane of a 512-bit register.
inline constexpr int panel_rows = 16;

/// How the weights of a matrix product are laid out in memory. A matrix is a sequence of panels of 16 rows; within a
/// panel, what one step along K needs of all 16 rows is contiguous, so a product streams through memory once and
/// every lane of a register belongs to another output row. All instruction sets share these layouts.
///
/// In a panel of `cols` columns:
///   f32, f16, bf16   [cols][16]            one element a row
///   bf16_pairs       [cols/2][16][2]       as the BF16 dot product takes them
/// The others are made of groups, of 2 blocks of 32 columns (q4_k, q5_k and q6_k: of 8). In a group the blocks' quants
/// come first, then all their high bits, and so on; a product so reads one stream, which the processor can follow, and
/// not one for each section. A block's parts:
///   q4_0   quants [4][16][4] bytes: byte b of quad j holds k = 4j + b (low nibble) and 16 + 4j + b (high);
///          scales [16] f16;  weight = scale · (q − 8)
///   q5_0   as q4_0, then high bits [8] u64: bit 4·row + b of word j is bit 4 of k = 4j + b;  scale · (q − 16)
///   q8_0   quants [8][16][4] bytes, stored + 128;  scales f16;  weight = scale · (q − 128)
///   q4_k   quants as q4_0;  [2][16] u8 scales and mins;  of the group [2][16] f16 d and dmin
///          weight = d·scale · q − dmin·min
///   q5_k   as q4_k with the high bits of q5_0 after the quants
///   q6_k   quants as q4_0, then 2 high bits [2][16][4] bytes: bits 2i, 2i+1 of byte b of quad j belong to
///          k = 4(j + 2i) + b;  [2][16] i8 scales;  of the group [16] f16 d;  weight = d·scale · (q − 32)
///   q8_split  q8_0 in two planes, so that a screen (ops.hpp) can read half of it:
///          quants as q4_0: the high nibbles of q8_0's bytes;  scales f16;  after the groups [16] f32: how far the low
///          nibbles can move a row's product, for activations of length 1.  After all panels, theirs in the same order:
///          low nibbles [cols/32][4][4][16] bytes: line g of a block holds rows g, g + 4, g + 8, g + 12, so that one
///          row can be read alone and a transpose of 4×4 words gives the quads of all;  byte i holds k = i (low) and 16
///          + i (high)
///   bf16_split  BF16 in two planes, so that a screen can read a quarter of it: quants and scales as q4_0, a sketch:
///          weight ≈ scale · (q − 7.5), of the weight's sign;  after the groups [2][16] f32: the length of what the
///          sketch leaves out of a row, and of the row.  After all panels, theirs in the same order: [16][cols/32][48]
///          bytes: bits 0–7 of 32 weights, then bits 8–11 of k = 2i (low) and 2i + 1 (high). The other three bits are
///          011, for magnitudes of 2⁻³¹ to 2; smaller ones become 2⁻³¹
///   affine8  quants as q8_0 without the offset;  [2][2][16] f32 scales and offsets of 16 columns each;
///          weight = scale · q + offset  (what every rarer format is expanded to)
enum class Packing : std::uint8_t {
  f32,
  f16,
  bf16,
  bf16_pairs,
  q4_0,
  q5_0,
  q8_0,
  q4_k,
  q5_k,
  q6_k,
  q8_split,
  bf16_split,
  affine8
};

/// The bytes that a block has in each section of its group, and where they are in a panel.
struct PanelGroup {
  std::int64_t quants = 0, high = 0, scales = 0;
  std::int64_t supers = 0;  ///< of all blocks
  std::uint64_t blocks = 2;

  constexpr std::int64_t bytes() const { return (blocks * (quants + high + scales) + supers + 63) / 64 * 64; }
  /// Where block b has what.
  constexpr std::int64_t quants_of(std::int64_t b) const { return of(b, 0, quants); }
  constexpr std::int64_t high_of(std::int64_t b) const { return of(b, quants, high); }
  constexpr std::int64_t scales_of(std::int64_t b) const { return of(b, quants + high, scales); }
  constexpr std::int64_t supers_of(std::int64_t b) const { return of(b, quants + high + scales, 0); }

 private:
  constexpr std::int64_t of(std::uint64_t b, std::int64_t sections_before, std::int64_t section) const {
    return b / blocks * bytes() + blocks * sections_before + b % blocks * section;
  }
};

/// All zero for packings without groups.
constexpr PanelGroup panel_group(Packing packing) {
  switch (packing) {
    case Packing::q4_0:
    case Packing::q8_split:
    case Packing::bf16_split:
      return {.quants = 256, .scales = 32};
    case Packing::q5_0:
      return {.quants = 256, .high = 64, .scales = 32};
    case Packing::q8_0:
      return {.quants = 512, .scales = 32};
    case Packing::q4_k:
      return {.quants = 256, .scales = 32, .supers = 64, .blocks = 8};
    case Packing::q5_k:
      return {.quants = 256, .high = 64, .scales = 32, .supers = 64, .blocks = 8};
    case Packing::q6_k:
      return {.quants = 256, .high = 128, .scales = 32, .supers = 32, .blocks = 8};
    case Packing::affine8:
      return {.quants = 512, .scales = 256};
    default:
      return {};
  }
}

struct PanelLayout {
  std::size_t bounds = 0;  ///< where the numbers after the groups begin
  std::size_t bytes = 0;
  std::size_t apart_bytes = 0;  ///< of the part that lies after all panels
};
PanelLayout panel_layout(Packing packing, std::int64_t cols);

/// A packed matrix [rows, cols]; does not own its bytes.
struct PackedMatrix {
  Packing packing = Packing::f32;
  std::int64_t rows = 0, cols = 0;
  const std::byte* data = nullptr;
  PanelLayout layout;

  std::int64_t panels() const { return (rows + panel_rows - 1) / panel_rows; }
  const std::byte* panel(std::int64_t p) const { return data + static_cast<std::size_t>(p) * layout.bytes; }
  const std::byte* apart(std::int64_t p) const {
    return panel(panels()) + static_cast<std::size_t>(p) * layout.apart_bytes;
  }
  std::size_t bytes() const { return static_cast<std::size_t>(panels()) * (layout.bytes + layout.apart_bytes); }
};

/// The packing for weights stored as `dtype`; `bf16_dot`: the machine multiplies BF16 pairs,
/// so 16-bit floats are kept as such.
Packing packing_for(DType dtype, bool bf16_dot);

/// Where in a block of 256 bytes of q8_split's low nibbles the 16 bytes of a panel's row are.
constexpr std::int64_t low_nibbles_of_row(int row) {
  return row % 4 * 64 + row / 4 * 16;
}

/// The bytes of a row of bf16_split that lie after all panels.
constexpr std::int64_t split_row_bytes(std::int64_t cols) {
  return cols / 32 * 48;
}
/// Weight i of a block from its code and those bytes.
std::uint16_t split_bf16(int code, const std::byte* rest, int i);

/// Whether a matrix packed as bf16_split holds what was stored: its weights may have been too large.
bool is_whole(const PackedMatrix& matrix);

/// One row of a packed matrix as floats: exactly the weights the products use.
void unpack_row(const PackedMatrix& matrix, std::int64_t row, float* out);

}  // namespace sw
