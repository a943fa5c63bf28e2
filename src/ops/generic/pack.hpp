// Stored rows → panels, written once for every instruction set. A panel takes 4 bytes of each of its 16 rows in turn: a
// transpose of 32-bit words. It is done in registers of 16 bytes, which every processor has; with two threads it keeps
// up with memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "ops/affine_block.hpp"
#include "ops/ops.hpp"
#include "quant/blocks.hpp"
#include "tensor/half.hpp"

namespace sw::generic {
namespace {  // each file that includes this is compiled for another processor

using Bytes = std::uint8_t __attribute__((vector_size(16)));
using Halves = std::uint16_t __attribute__((vector_size(16)));
using Words = std::uint32_t __attribute__((vector_size(16)));
using Floats = float __attribute__((vector_size(16)));

/// Words below 2³¹; processors convert signed ones.
Floats to_floats(Words x) {
  return __builtin_convertvector(reinterpret_cast<std::int32_t __attribute__((vector_size(16)))>(x), Floats);
}

template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

/// The first n bytes, then zeros.
template <class T>
T load_first(const std::byte* at, std::size_t n) {
  T value{};
  std::memcpy(&value, at, std::min(n, sizeof value));
  return value;
}

/// Rows of a panel; those past the matrix's end are left out.
struct Rows {
  const std::byte* const (&at)[panel_rows];
  int count = 0;

  explicit Rows(const std::byte* const (&rows)[panel_rows]) : at(rows) {
    while (count < panel_rows && rows[count]) ++count;
  }

  template <class Block>
  const Block& block(int row, std::int64_t b) const {
    return reinterpret_cast<const Block*>(at[row])[b];
  }
};

Words low_pairs(Words a, Words b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
Words high_pairs(Words a, Words b) {
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
Halves low_pairs(Halves a, Halves b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
Halves high_pairs(Halves a, Halves b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/// N registers of N lanes: lane i of register j changes places with lane j of register i.
template <class V, std::size_t N = sizeof(V) / sizeof(V{}[0])>
std::array<V, N> transposed(std::array<V, N> in) {
  for (std::size_t round = 1; round < N; round *= 2) {
    std::array<V, N> out;
    for (std::size_t i = 0; i < N / 2; ++i) {
      out[2 * i] = low_pairs(in[i], in[i + N / 2]);
      out[2 * i + 1] = high_pairs(in[i], in[i + N / 2]);
    }
    in = out;
  }
  return in;
}

/// read(r) is the next register of row r. Line j of the panel takes element j of each; `lines` of them are written.
template <class V, class Read>
void put_lines(int n_rows, Read&& read, std::byte* out, std::size_t lines = sizeof(V) / sizeof(V{}[0])) {
  constexpr std::size_t lane = sizeof(V{}[0]), n = sizeof(V) / lane;
  for (std::size_t first = 0; first < panel_rows; first += n) {
    std::array<V, n> group{};
    for (std::size_t i = 0; i < n; ++i)
      if (const auto r = static_cast<int>(first + i); r < n_rows) group[i] = read(r);
    group = transposed(group);
    for (std::size_t j = 0; j < lines; ++j) store(out + (j * panel_rows + first) * lane, group[j]);
  }
}

/// Eight binary16 numbers as bfloat16, to nearest even; NaN stays NaN.
template <class S>
Halves f16_to_bf16(Halves h) {
  if constexpr (requires { S::f16_to_bf16(h); }) return S::f16_to_bf16(h);
  const Halves rest = h & 0x7fff;
  constexpr std::uint16_t exponent_bias = (127 - 15) << 7;
  const Halves normal = ((rest + 3 + (rest >> 3 & 1)) >> 3) + exponent_bias;
  // Below them are multiples of 2⁻²⁴. (Multiplying their bits by 2^112, as f16_to_f32 does, is slow on many
  // processors.)
  const auto round = [](Words multiple) {
    const auto bits = reinterpret_cast<Words>(to_floats(multiple) * 0x1p-24f);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  };
  const auto words = reinterpret_cast<Words>(rest);
  const auto small = reinterpret_cast<Halves>(round(words & 0xffff) | round(words >> 16) << 16);
  const auto is_small = reinterpret_cast<Halves>(rest < 0x0400);
  const auto is_infinite = reinterpret_cast<Halves>(rest == 0x7c00), is_nan = reinterpret_cast<Halves>(rest > 0x7c00);
  return (h & 0x8000) | (is_small & small) | (~is_small & normal) | (is_infinite & 0x7f80) | (is_nan & 0x7fc0);
}

/// Rows of plain numbers, as lines of one element, or of one pair, of each row.
template <class V, class Convert>
void pack_floats(const Rows& rows, std::size_t row_bytes, Convert&& convert, std::byte* panel) {
  constexpr std::size_t lane = sizeof(V{}[0]);
  const std::size_t whole = row_bytes / sizeof(V) * sizeof(V), left = row_bytes - whole;
  for (std::size_t at = 0; at < whole; at += sizeof(V))
    put_lines<V>(
        rows.count, [&](int r) { return convert(load<V>(rows.at[r] + at)); }, panel + at * panel_rows);
  if (left > 0)
    put_lines<V>(
        rows.count, [&](int r) { return convert(load_first<V>(rows.at[r] + whole, left)); }, panel + whole * panel_rows,
        (left + lane - 1) / lane);
}

template <class S>
void pack_floats(DType dtype, const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  const std::size_t row_bytes = info(dtype).row_bytes(static_cast<std::size_t>(matrix.cols));
  const auto as_stored = [](auto x) { return x; };
  if (matrix.packing == Packing::f16 || matrix.packing == Packing::bf16)
    pack_floats<Halves>(rows, row_bytes, as_stored, panel);
  else if (matrix.packing == Packing::bf16_pairs && dtype == DType::f16)
    pack_floats<Words>(
        rows, row_bytes, [](Words x) { return reinterpret_cast<Words>(f16_to_bf16<S>(reinterpret_cast<Halves>(x))); },
        panel);
  else
    pack_floats<Words>(rows, row_bytes, as_stored, panel);
}

/// Codes of 4 bits in pairs 16 columns apart, as most formats store a block of 32, are what the quads of a panel hold.
template <class Read>
void put_nibbles(const Rows& rows, Read&& read, std::byte* quants) {
  put_lines<Words>(
      rows.count, [&](int r) { return reinterpret_cast<Words>(read(r)); }, quants);
}

/// read(r), a number of each row, one after another.
template <class Read>
void put_numbers(const Rows& rows, Read&& read, std::byte* out) {
  for (int r = 0; r < rows.count; ++r) store(out + static_cast<std::size_t>(r) * sizeof read(r), read(r));
}

/// Bit 4 of 32 codes of each row: bit k of bits(r) is column k's. Word j of a panel has four of each row, so two rows
/// share a byte.
template <class Read>
void put_fifth_bits(const Rows& rows, Read&& bits, std::byte* high) {
  constexpr std::uint32_t low_nibbles = 0x0f0f0f0f;
  for (int r = 0; r < rows.count; r += 2) {
    const std::uint32_t a = bits(r), b = r + 1 < rows.count ? bits(r + 1) : 0;
    const std::uint32_t even = (a & low_nibbles) | (b & low_nibbles) << 4;
    const std::uint32_t odd = (a >> 4 & low_nibbles) | (b & ~low_nibbles);
    for (int i = 0; i < 4; ++i) {
      high[16 * i + r / 2] = static_cast<std::byte>(even >> 8 * i);
      high[16 * i + 8 + r / 2] = static_cast<std::byte>(odd >> 8 * i);
    }
  }
}

void pack_q4_0(const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr PanelGroup group = panel_group(Packing::q4_0);
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    const auto block = [&](int r) -> const BlockQ4_0& { return rows.block<BlockQ4_0>(r, b); };
    put_nibbles(
        rows, [&](int r) { return load<Bytes>(block(r).qs); }, panel + group.quants_of(b));
    put_numbers(
        rows, [&](int r) { return block(r).d; }, panel + group.scales_of(b));
  }
}

void pack_q5_0(const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr PanelGroup group = panel_group(Packing::q5_0);
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    const auto block = [&](int r) -> const BlockQ5_0& { return rows.block<BlockQ5_0>(r, b); };
    put_nibbles(
        rows, [&](int r) { return load<Bytes>(block(r).qs); }, panel + group.quants_of(b));
    put_fifth_bits(
        rows, [&](int r) { return load<std::uint32_t>(block(r).qh); }, panel + group.high_of(b));
    put_numbers(
        rows, [&](int r) { return block(r).d; }, panel + group.scales_of(b));
  }
}

/// The codes of Q8_0 are stored signed and multiplied as unsigned.
constexpr std::uint8_t sign_bit = 0x80;

void pack_q8_0(const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr PanelGroup group = panel_group(Packing::q8_0);
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    const auto block = [&](int r) -> const BlockQ8_0& { return rows.block<BlockQ8_0>(r, b); };
    for (int half = 0; half < 2; ++half)
      put_lines<Words>(
          rows.count, [&](int r) { return reinterpret_cast<Words>(load<Bytes>(block(r).qs + 16 * half) ^ sign_bit); },
          panel + group.quants_of(b) + half * 256);
    put_numbers(
        rows, [&](int r) { return block(r).d; }, panel + group.scales_of(b));
  }
}

/// Σ x² of signed bytes, in four parts.
Words sums_of_squares(Bytes x) {
  const auto signed_halves = reinterpret_cast<std::int16_t __attribute__((vector_size(16)))>(x);
  const auto even = reinterpret_cast<Halves>((signed_halves << 8) >> 8),
             odd = reinterpret_cast<Halves>(signed_halves >> 8);
  const auto squares = reinterpret_cast<Words>(even * even + odd * odd);  // at most 2¹⁵ in each half of a word
  return (squares & 0xffff) + (squares >> 16);
}

/// A bound on |exact − screened| product for activations of length 1 (Cauchy–Schwarz), rounding of both included.
///
/// Exact product: Σ over groups of x_g·Σ_b t_b·s_b with t_b = Σ (q − 128)·x̂ over 32 columns. The screen takes every
/// low nibble to be 7.5, so the real sums differ by Σ x·s·(low − 7.5)·x̂ ≤ ‖e‖·‖x‖ with e the row of s·(low − 7.5) and
/// x the activations that the codes x̂ stand for. A floating-point sum of n blocks, in groups or not, is within (n +
/// 4)·2⁻²⁴· Σ|terms| of its real value to first order, and Σ|terms| ≤ (‖w‖ + ‖e‖)·‖x‖; eight times that covers both
/// sums, higher orders and the comparison.
float screening_bound(const std::byte* row, std::int64_t blocks) {
  Floats residuals{}, weights{};
  for (std::int64_t b = 0; b < blocks; ++b) {
    const auto& block = reinterpret_cast<const BlockQ8_0*>(row)[b];
    Words errors{}, values{};  // Σ (2·low − 15)², Σ (q − 128)²
    for (int half = 0; half < 2; ++half) {
      const auto q = load<Bytes>(block.qs + 16 * half);
      errors += sums_of_squares((q & 15) * 2 - 15);
      values += sums_of_squares(q);
    }
    const float scale = f16_to_f32(block.d);
    residuals += to_floats(errors) * (scale * scale / 4);
    weights += to_floats(values) * (scale * scale);
  }
  // Of positive terms: what rounding took from these sums, and from what follows, is below blocks + 8 parts in 2²⁴.
  const auto length = [](Floats squares) {
    return std::sqrt(double{squares[0]} + squares[1] + squares[2] + squares[3]);
  };
  const double residual = length(residuals), weight = length(weights), n = static_cast<double>(blocks);
  const double rounding = 8 * (n + 4) * 0x1p-24 * (weight + residual);
  return static_cast<float>((residual + rounding) * (1 + (n + 8) * 0x1p-24));
}

void pack_q8_split(const Rows& rows, const PackedMatrix& matrix, std::byte* panel, std::byte* low_nibbles) {
  constexpr PanelGroup group = panel_group(Packing::q8_split);
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    const auto block = [&](int r) -> const BlockQ8_0& { return rows.block<BlockQ8_0>(r, b); };
    put_nibbles(
        rows,
        [&](int r) {
          const Bytes first = load<Bytes>(block(r).qs) ^ sign_bit, second = load<Bytes>(block(r).qs + 16) ^ sign_bit;
          store(low_nibbles + b * 256 + low_nibbles_of_row(r), (first & 15) | second << 4);
          return first >> 4 | (second & 0xf0);
        },
        panel + group.quants_of(b));
    put_numbers(
        rows, [&](int r) { return block(r).d; }, panel + group.scales_of(b));
  }
  put_numbers(
      rows, [&](int r) { return screening_bound(rows.at[r], matrix.cols / 32); }, panel + matrix.layout.bounds);
}

/// Rows in BF16, and a sketch of them. What the sketch leaves out of a row, e, moves its product by no more than ‖e‖
/// times the activations' length (Cauchy–Schwarz); the row's own length is for what the activations' forms differ by,
/// and for rounding (screening_distance()). A row with weights that are too large has a bound of −1.
template <class S>
void pack_bf16_split(DType dtype, const Rows& rows, const PackedMatrix& matrix, std::byte* panel, std::byte* apart) {
  constexpr PanelGroup group = panel_group(Packing::bf16_split);
  using F = typename S::F;
  F left_out[panel_rows], length[panel_rows];
  bool whole[panel_rows];
  for (int r = 0; r < panel_rows; ++r) left_out[r] = length[r] = S::zero(), whole[r] = true;
  const auto read = [&](int r, std::int64_t b, F (&v)[2]) {
    for (int half = 0; half < 2; ++half) {
      const std::byte* stored = rows.at[r] + 64 * b + 32 * half;
      v[half] = dtype == DType::f16 ? S::round_to_bf16(S::load_f16(stored)) : S::load_bf16(stored);
    }
  };
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    // Scales that F16 has no bits for are 0: the block is left to ‖e‖.
    alignas(64) float scales[panel_rows] = {};
    for (int r = 0; r < rows.count; ++r) {
      F v[2];
      read(r, b, v);
      const float scale = S::max_lanes(S::max(S::abs(v[0]), S::abs(v[1]))) / 7.8f;
      scales[r] = scale > 1e-6f && scale < 6e4f ? scale : 0;
    }
    std::byte* stored_scales = panel + group.scales_of(b);
    S::store_f16(reinterpret_cast<std::uint16_t*>(stored_scales), S::load(scales));
    S::store(scales, S::load_f16(stored_scales));
    put_nibbles(
        rows,
        [&](int r) {
          F v[2], e[2];
          read(r, b, v);
          std::byte codes[16];
          whole[r] &= S::split_block(v, scales[r], codes, apart + r * split_row_bytes(matrix.cols) + b * 48, e);
          left_out[r] = S::fma(e[0], e[0], S::fma(e[1], e[1], left_out[r]));
          length[r] = S::fma(v[0], v[0], S::fma(v[1], v[1], length[r]));
          return load<Bytes>(codes);
        },
        panel + group.quants_of(b));
  }
  // Of positive terms: what rounding took from these sums is below cols + 8 parts in 2²⁴.
  const float more = 1 + static_cast<float>(matrix.cols + 8) * 0x1p-24f;
  const auto root = [&](F squares) { return std::sqrt(S::sum_lanes(squares)) * more; };
  std::byte* bounds = panel + matrix.layout.bounds;
  put_numbers(
      rows, [&](int r) { return whole[r] ? root(left_out[r]) * 1.001f + root(length[r]) * 0x1p-20f : -1; }, bounds);
  put_numbers(
      rows, [&](int r) { return root(length[r]); }, bounds + panel_rows * sizeof(float));
}

/// The low or high nibbles of 32 bytes, in pairs 16 columns apart.
Bytes nibbles_of(const std::uint8_t* bytes, bool high) {
  const auto first = load<Bytes>(bytes), second = load<Bytes>(bytes + 16);
  return high ? first >> 4 | (second & 0xf0) : (first & 15) | second << 4;
}

/// Bit j of 32 bytes.
std::uint32_t bits_of_bytes(const std::uint8_t* bytes, int j) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t ones = load<std::uint64_t>(bytes + 8 * i) >> j & 0x0101010101010101u;
    bits |= static_cast<std::uint32_t>(ones * 0x0102040810204080u >> 56) << 8 * i;
  }
  return bits;
}

/// Q4_K, and Q5_K, which has fifth bits.
template <class Block>
void pack_q45_k(const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr bool fifth_bits = requires(Block x) { x.qh; };
  constexpr PanelGroup group = panel_group(fifth_bits ? Packing::q5_k : Packing::q4_k);
  for (std::int64_t super = 0; super < matrix.cols / 256; ++super) {
    const auto block = [&](int r) -> const Block& { return rows.block<Block>(r, super); };
    for (int j = 0; j < 8; ++j) {
      const std::int64_t b = super * 8 + j;
      put_nibbles(
          rows, [&](int r) { return nibbles_of(block(r).qs + j / 2 * 32, j % 2); }, panel + group.quants_of(b));
      if constexpr (fifth_bits)
        put_fifth_bits(
            rows, [&](int r) { return bits_of_bytes(block(r).qh, j); }, panel + group.high_of(b));
      std::byte* codes = panel + group.scales_of(b);
      for (int r = 0; r < rows.count; ++r) {
        const ScaleMin code = scale_min(block(r).scales, static_cast<std::size_t>(j));
        codes[r] = static_cast<std::byte>(code.scale);
        codes[panel_rows + r] = static_cast<std::byte>(code.min);
      }
    }
    std::byte* factors = panel + group.supers_of(8 * super);
    put_numbers(
        rows, [&](int r) { return block(r).d; }, factors);
    put_numbers(
        rows, [&](int r) { return block(r).dmin; }, factors + 32);
  }
}

void pack_q6_k(const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr PanelGroup group = panel_group(Packing::q6_k);
  for (std::int64_t super = 0; super < matrix.cols / 256; ++super) {
    const auto block = [&](int r) -> const BlockQ6_K& { return rows.block<BlockQ6_K>(r, super); };
    for (int j = 0; j < 8; ++j) {
      const std::int64_t b = super * 8 + j;
      const int half = j / 4, part = j % 4;
      put_nibbles(
          rows, [&](int r) { return nibbles_of(block(r).ql + half * 64 + part % 2 * 32, part >= 2); },
          panel + group.quants_of(b));
      std::byte* high = panel + group.high_of(b);
      for (int r = 0; r < rows.count; ++r) {
        std::uint64_t bits = 0;  // a byte holds two of each of the columns 8 apart
        for (int i = 0; i < 4; ++i) {
          const auto columns = load<std::uint64_t>(block(r).qh + half * 32 + 8 * i);
          bits |= (columns >> 2 * part & 0x0303030303030303u) << 2 * i;
        }
        store(high + 4 * r, static_cast<std::uint32_t>(bits));
        store(high + 64 + 4 * r, static_cast<std::uint32_t>(bits >> 32));
      }
      std::byte* scales = panel + group.scales_of(b);
      put_numbers(
          rows, [&](int r) { return block(r).scales[2 * j]; }, scales);
      put_numbers(
          rows, [&](int r) { return block(r).scales[2 * j + 1]; }, scales + panel_rows);
    }
    put_numbers(
        rows, [&](int r) { return block(r).d; }, panel + group.supers_of(8 * super));
  }
}

/// Formats that are too rare for a layout of their own.
void pack_affine8(DType dtype, const Rows& rows, const PackedMatrix& matrix, std::byte* panel) {
  constexpr PanelGroup group = panel_group(Packing::affine8);
  for (std::int64_t b = 0; b < matrix.cols / 32; ++b) {
    std::byte* quants = panel + group.quants_of(b);
    std::byte* factors = panel + group.scales_of(b);
    for (int r = 0; r < rows.count; ++r) {
      const AffineBlock block = read_affine_block(dtype, rows.at[r], b);
      for (int j = 0; j < 8; ++j) std::memcpy(quants + 64 * j + 4 * r, block.q.data() + 4 * j, 4);
      for (int half = 0; half < 2; ++half) {
        store(factors + 128 * half + 4 * r, block.scale[static_cast<std::size_t>(half)]);
        store(factors + 128 * half + 64 + 4 * r, block.offset[static_cast<std::size_t>(half)]);
      }
    }
  }
}

}  // namespace

template <class S>
void pack(DType dtype, const std::byte* const (&stored)[panel_rows], const PackedMatrix& matrix, std::int64_t p) {
  const Rows rows(stored);
  auto* panel = const_cast<std::byte*>(matrix.panel(p));
  switch (matrix.packing) {
    case Packing::f32:
    case Packing::f16:
    case Packing::bf16:
    case Packing::bf16_pairs:
      return pack_floats<S>(dtype, rows, matrix, panel);
    case Packing::q4_0:
      return pack_q4_0(rows, matrix, panel);
    case Packing::q5_0:
      return pack_q5_0(rows, matrix, panel);
    case Packing::q8_0:
      return pack_q8_0(rows, matrix, panel);
    case Packing::q8_split:
      return pack_q8_split(rows, matrix, panel, const_cast<std::byte*>(matrix.apart(p)));
    case Packing::bf16_split:
      if constexpr (S::has_bf16_dot)
        return pack_bf16_split<S>(dtype, rows, matrix, panel, const_cast<std::byte*>(matrix.apart(p)));
      return;
    case Packing::q4_k:
      return pack_q45_k<BlockQ4_K>(rows, matrix, panel);
    case Packing::q5_k:
      return pack_q45_k<BlockQ5_K>(rows, matrix, panel);
    case Packing::q6_k:
      return pack_q6_k(rows, matrix, panel);
    case Packing::affine8:
      return pack_affine8(dtype, rows, matrix, panel);
  }
}

}  // namespace sw::generic
