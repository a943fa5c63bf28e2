// Matrix products over packed panels, written once for every instruction set.
//
// The one decision that matters: a lane is an output row. Each lane sums its own row along K in storage order, so there
// are no horizontal sums, and the result of a row does not depend on how many rows of activations, panels or threads
// share the work. 8-bit dot products are exact within a block of 32 columns (or 16); one fused multiply-add per block
// then applies the weights' scale in fp32, and one per group of blocks that of the activations.
//
// Few rows of activations (decode) read the packed codes directly: memory is the limit. Many rows (prefill) first
// expand two panels to bytes in the thread's scratch, which stay in L2 while every row passes over them: the multiplier
// is the limit.
//
// `S` is the instruction set's Simd: 16 fp32 or int32 lanes (F, I) and 64 bytes (B).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ops/generic/tiles.hpp"
#include "ops/ops.hpp"

namespace sw::generic {

/// Where the parts of one block are.
struct Block {
  const std::byte *quants, *high, *scales, *supers, *low;
};

struct Panel {
  const std::byte *at, *bounds, *low;

  Panel(const PackedMatrix& w, std::int64_t p) : at(w.panel(p)), bounds(at + w.layout.bounds), low(w.apart(p)) {}

  template <Packing P>
  Block block(std::int64_t b) const {
    constexpr PanelGroup group = panel_group(P);
    return {at + group.quants_of(b), at + group.high_of(b), at + group.scales_of(b), at + group.supers_of(b),
            low + b * 256};
  }
};

// A format tells how to turn a block (32 columns) of a panel into 8 quads of unsigned bytes and its factors.
//   bits     of a code; 2^(bits − 1) was added to the signed one, nothing in formats with a minimum
//   halves   1: one scale per 32 columns; 2: one per 16

template <class S>
struct Q4_0 {
  static constexpr Packing packing = Packing::q4_0;
  static constexpr int bits = 4, halves = 1;
  static constexpr bool affine = false;
  static void quads(const Block& w, typename S::B (&q)[8]) {
    for (int j = 0; j < 4; ++j) {
      const auto bytes = S::load_bytes(w.quants + 64 * j);
      q[j] = S::low_nibbles(bytes);
      q[j + 4] = S::high_nibbles(bytes);
    }
  }
  static typename S::F scale(const Block& w, int) { return S::load_f16(w.scales); }
};

template <class S>
struct Q5_0 {
  static constexpr Packing packing = Packing::q5_0;
  static constexpr int bits = 5, halves = 1;
  static constexpr bool affine = false;
  static void quads(const Block& w, typename S::B (&q)[8]) {
    Q4_0<S>::quads(w, q);
    for (int j = 0; j < 8; ++j) q[j] = S::add_bit(q[j], w.high + 8 * j, 16);
  }
  static typename S::F scale(const Block& w, int) { return S::load_f16(w.scales); }
};

template <class S>
struct Q8_0 {
  static constexpr Packing packing = Packing::q8_0;
  static constexpr int bits = 8, halves = 1;
  static constexpr bool affine = false;
  static void quads(const Block& w, typename S::B (&q)[8]) {
    for (int j = 0; j < 8; ++j) q[j] = S::load_bytes(w.quants + 64 * j);
  }
  static typename S::F scale(const Block& w, int) { return S::load_f16(w.scales); }
};

/// The four quads of a block of q8_split's low nibbles.
template <class S>
void low_quads(const std::byte* block, typename S::B (&q)[4]) {
  if constexpr (requires { S::transpose_words(q); }) {
    for (int g = 0; g < 4; ++g) q[g] = S::load_bytes(block + 64 * g);
    S::transpose_words(q);
  } else {
    alignas(64) std::byte quads[4][64];
    for (int r = 0; r < panel_rows; ++r)
      for (int j = 0; j < 4; ++j) __builtin_memcpy(quads[j] + 4 * r, block + low_nibbles_of_row(r) + 4 * j, 4);
    for (int j = 0; j < 4; ++j) q[j] = S::load_bytes(quads[j]);
  }
}

template <class S>
struct Q8Split {
  static constexpr Packing packing = Packing::q8_split;
  static constexpr int bits = 8, halves = 1;
  static constexpr bool affine = false;
  static void quads(const Block& w, typename S::B (&q)[8]) {
    typename S::B low[4];
    low_quads<S>(w.low, low);
    for (int j = 0; j < 4; ++j) {
      const auto high = S::load_bytes(w.quants + 64 * j);
      q[j] = S::join_low(high, low[j]);
      q[j + 4] = S::join_high(high, low[j]);
    }
  }
  static typename S::F scale(const Block& w, int) { return S::load_f16(w.scales); }
};

template <class S>
struct Q4_K {
  static constexpr Packing packing = Packing::q4_k;
  static constexpr int bits = 4, halves = 1;
  static constexpr bool affine = true;
  static void quads(const Block& w, typename S::B (&q)[8]) { Q4_0<S>::quads(w, q); }
  static typename S::F scale(const Block& w, int) { return S::mul(S::load_f16(w.supers), S::load_u8(w.scales)); }
  static typename S::F minimum(const Block& w, int) {
    return S::sub(S::zero(), S::mul(S::load_f16(w.supers + 32), S::load_u8(w.scales + 16)));
  }
};

template <class S>
struct Q5_K : Q4_K<S> {
  static constexpr Packing packing = Packing::q5_k;
  static constexpr int bits = 5;
  static void quads(const Block& w, typename S::B (&q)[8]) { Q5_0<S>::quads(w, q); }
};

template <class S>
struct Q6_K {
  static constexpr Packing packing = Packing::q6_k;
  static constexpr int bits = 6, halves = 2;
  static constexpr bool affine = false;
  static void quads(const Block& w, typename S::B (&q)[8]) {
    Q4_0<S>::quads(w, q);
    const auto even = S::load_bytes(w.high), odd = S::load_bytes(w.high + 64);
    q[0] = S::bit_or(q[0], S::template two_bits_at_4<0>(even));
    q[1] = S::bit_or(q[1], S::template two_bits_at_4<0>(odd));
    q[2] = S::bit_or(q[2], S::template two_bits_at_4<2>(even));
    q[3] = S::bit_or(q[3], S::template two_bits_at_4<2>(odd));
    q[4] = S::bit_or(q[4], S::template two_bits_at_4<4>(even));
    q[5] = S::bit_or(q[5], S::template two_bits_at_4<4>(odd));
    q[6] = S::bit_or(q[6], S::template two_bits_at_4<6>(even));
    q[7] = S::bit_or(q[7], S::template two_bits_at_4<6>(odd));
  }
  static typename S::F scale(const Block& w, int half) {
    return S::mul(S::load_f16(w.supers), S::load_i8(w.scales + 16 * half));
  }
};

template <class S>
struct Affine8 {
  static constexpr Packing packing = Packing::affine8;
  static constexpr int bits = 8, halves = 2;
  static constexpr bool affine = true;
  static void quads(const Block& w, typename S::B (&q)[8]) { Q8_0<S>::quads(w, q); }
  static typename S::F scale(const Block& w, int half) {
    return S::load(reinterpret_cast<const float*>(w.scales + half * 128));
  }
  static typename S::F minimum(const Block& w, int half) {
    return S::load(reinterpret_cast<const float*>(w.scales + half * 128 + 64));
  }
};

/// Whether codes of 8 bits without a minimum are multiplied as the signed numbers they stand for, which some
/// instruction sets do with less than unsigned ones.
template <class S, class Format>
inline constexpr bool multiplied_signed = S::signed_codes && Format::bits == 8 && !Format::affine;

/// A panel expanded by expand_panel: bytes as quads and fp32 factors [blocks · halves][16], minima after the scales.
/// Bytes that are stored as the tiles want them are read where they are. Codes keep their bits where fewer are
/// multiplied faster; elsewhere all formats become one, with 128 added to signed codes.
template <class S, int Bits, int Halves, bool Affine, std::int64_t GroupBytes>
struct Expanded {
  static constexpr int bits = Bits, halves = Halves;
  static constexpr bool affine = Affine, in_place = GroupBytes > 0;
  static constexpr std::int64_t quants_of(std::uint64_t b) {
    return in_place ? b / 2 * GroupBytes + b % 2 * 512 : b * 512;
  }
};

/// Σ of products of unsigned codes with activations, a quad at a time: quad j of a block.
template <class S, int Bits, bool Signed = false>
struct QuadSum {
  typename S::I sum;
  void add(int, typename S::B w, typename S::B x) {
    if constexpr (Signed)
      sum = S::dot_signed(sum, w, x);
    else
      sum = S::template dot<Bits>(sum, w, x);
  }
};

/// Products in pairs of 16 bits, as many of which are added as cannot overflow.
template <class S, int Bits>
  requires(S::adds_pairs && Bits < 8)
struct QuadSum<S, Bits, false> {
  static constexpr int together = Bits == 4 ? 8 : Bits == 5 ? 4 : 2;
  static_assert(together * 2 * ((1 << Bits) - 1) * 127 < 1 << 15);
  typename S::I sum;
  typename S::B pairs;
  void add(int j, typename S::B w, typename S::B x) {
    pairs = j % together == 0 ? S::pairs(w, x) : S::add_pairs(pairs, S::pairs(w, x));
    if (j % together == together - 1) sum = S::add_sums(sum, pairs);
  }
};

constexpr std::size_t expanded_bytes(std::int64_t cols) {
  return static_cast<std::size_t>(cols) * panel_rows + 2 * static_cast<std::size_t>(cols) / 16 * panel_rows * 4;
}

/// Asks for `bytes` of the packed weights `distance` ahead of `at`: groups and panels follow each other in the order in
/// which they are read, so every line is asked for once, early enough to hide the latency of memory.
template <class S>
void prefetch_ahead(const std::byte* at, std::int64_t distance, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; i += 64) S::prefetch(at + distance + i);
}

/// Asks for what a single pass over the weights reads next.
template <class S>
void stream_ahead(const std::byte* at, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; i += 64) S::prefetch_stream(at + S::stream_bytes + i);
}

/// The two panels after those being multiplied, asked for a few lines at a time while the rows pass over these: all at
/// once they would fill the queue of misses and hold up the loads behind them.
template <class S>
class NextPair {
 public:
  /// `steps`: how often step() will be called.
  NextPair(const PackedMatrix& w, std::int64_t p, std::int64_t steps) {
    const std::int64_t begin = std::min(p, w.panels()), end = std::min(p + 2, w.panels());
    parts_[0] = {w.panel(begin), w.panel(end)};
    parts_[1] = {w.apart(begin), w.apart(end)};
    const std::int64_t lines = (parts_[0].end - parts_[0].at + 63) / 64;
    lines_ = (lines + steps - 1) / steps;
  }

  void step() {
    for (Part& part : parts_)
      for (std::int64_t line = 0; line < lines_ && part.at < part.end; ++line, part.at += 64) S::prefetch(part.at);
  }

 private:
  struct Part {
    const std::byte *at, *end;
  } parts_[2];
  std::int64_t lines_;
};

/// Where an expanded panel's parts lie in the scratch.
struct ExpandedPanel {
  const std::byte* quants;
  const float *scales, *minima;
};

template <class S, class Format, class E>
ExpandedPanel expand_panel(const PackedMatrix& w, std::int64_t p, std::byte* scratch) {
  const Panel panel(w, p);
  const std::int64_t blocks = w.cols / 32;
  auto* scales = reinterpret_cast<float*>(scratch + w.cols * panel_rows);
  float* minima = scales + blocks * Format::halves * panel_rows;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const Block block = panel.block<Format::packing>(b);
    if constexpr (!E::in_place) {
      typename S::B q[8];
      Format::quads(block, q);
      for (int j = 0; j < 8; ++j) {
        if constexpr (!Format::affine && E::bits > Format::bits)
          q[j] = S::add_bytes(q[j], (1 << (E::bits - 1)) - (1 << (Format::bits - 1)));
        if constexpr (multiplied_signed<S, E>) q[j] = S::add_bytes(q[j], 128);  // of 256 values as well as less
        S::store_bytes(scratch + b * 512 + 64 * j, q[j]);
      }
    }
    for (int half = 0; half < Format::halves; ++half) {
      S::store(scales + (b * Format::halves + half) * panel_rows, Format::scale(block, half));
      if constexpr (Format::affine)
        S::store(minima + (b * Format::halves + half) * panel_rows, Format::minimum(block, half));
    }
  }
  return {E::in_place ? panel.at : scratch, scales, minima};
}

/// Writes a tile: row `row + m` of the activations, rows of w from `first` on in G panels. Loops are unrolled, since
/// what an index that varies picks out would have to be in memory.
template <class S, int M, int G>
[[gnu::always_inline]] inline void store_tile(const MatmulOutput& out, std::int64_t row, std::int64_t first,
                                              std::int64_t rows, typename S::F (&acc)[M][G]) {
  float* y = out.y + row * out.stride + (first - out.first);
  if (rows - first >= G * panel_rows) {
    if (out.bias)
#pragma GCC unroll 16
      for (int g = 0; g < G; ++g) {
        const typename S::F bias = S::load(out.bias + first + g * panel_rows);
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) acc[m][g] = S::add(acc[m][g], bias);
      }
    if (out.add)
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
        for (int g = 0; g < G; ++g) acc[m][g] = S::add(acc[m][g], S::load(y + m * out.stride + g * panel_rows));
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
      for (int g = 0; g < G; ++g) S::store(y + m * out.stride + g * panel_rows, acc[m][g]);
    return;
  }
#pragma GCC unroll 16
  for (int g = 0; g < G; ++g) {
    const std::int64_t begin = g * panel_rows;
    const auto n = static_cast<int>(std::min<std::int64_t>(rows - first - begin, panel_rows));
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      typename S::F value = acc[m][g];
      if (out.bias) value = S::add(value, S::load_first(out.bias + first + begin, n));
      if (out.add) value = S::add(value, S::load_first(y + m * out.stride + begin, n));
      S::store_first(y + m * out.stride + begin, value, n);
    }
  }
}

/// acc = Σ over groups of a group's scale · Σ over its blocks, what add(block, sums) adds to sums; the tile of M rows
/// from `row` on.
template <class S, int M, int G, class Add>
[[gnu::always_inline]] inline void for_groups(const Activations& x, std::int64_t row, typename S::F (&acc)[M][G],
                                              Add&& add) {
  using F = typename S::F;
  constexpr std::int64_t blocks_at_once = activation_group / 32;
  const std::int64_t blocks = x.cols / 32, groups = activation_groups(x.cols);
  for (std::int64_t group = 0; group < groups; ++group) {
    F sums[M][G];
    for (int m = 0; m < M; ++m)
      for (int g = 0; g < G; ++g) sums[m][g] = S::zero();
    const std::int64_t end = std::min((group + 1) * blocks_at_once, blocks);
    for (std::int64_t b = group * blocks_at_once; b < end; ++b) add(b, sums);
    for (int m = 0; m < M; ++m) {
      const F scale = S::broadcast(x.scales + row * groups + group * M + m);
      for (int g = 0; g < G; ++g) acc[m][g] = S::fma(sums[m][g], scale, acc[m][g]);
    }
  }
}

/// The tile of 8-bit activations of M rows from `row` on, as row_in_tile has them; m counts its rows.
template <class S, int M>
struct Tile8 {
  const std::int8_t* codes;
  const float* sums;
  const std::int32_t *offsets32, *offsets16;

  Tile8(const Activations& x, std::int64_t row)
      : codes(x.q8 + row * x.cols),
        sums(x.sums + row * (x.cols / 32)),
        offsets32(x.offsets32 + row * (x.cols / 32)),
        offsets16(x.offsets16 + row * (x.cols / 16)) {}

  /// Quad j of block b: four codes.
  const std::int8_t* quad(std::int64_t b, int j, int m) const { return codes + (b * M + m) * 32 + 4 * j; }
  /// What a sum over block b, or one of two halves of it, starts from: −2^(bits − 1) · Σq where that was added to
  /// codes.
  template <class Format>
  typename S::I start(std::int64_t b, int half, int m) const {
    if constexpr (Format::affine || multiplied_signed<S, Format>) return S::zero_i();
    else if constexpr (Format::halves == 2)
      return S::template shift_right<8 - Format::bits>(S::broadcast_i(offsets16 + (2 * b + half) * M + m));
    else
      return S::template shift_right<8 - Format::bits>(S::broadcast_i(offsets32 + b * M + m));
  }
  /// Σq of the same.
  template <int Halves>
  typename S::F sum(std::int64_t b, int half, int m) const {
    if constexpr (Halves == 2) return S::set(static_cast<float>(offsets16[(2 * b + half) * M + m]) * -0x1p-7f);
    else return S::broadcast(sums + b * M + m);
  }
};

/// M rows of activations times one panel, codes read as they are stored.
template <class S, class Format, int M>
void direct_tile(const PackedMatrix& w, std::int64_t p, const Activations& x, std::int64_t row,
                 const MatmulOutput& out) {
  using F = typename S::F;
  const Panel panel(w, p);
  constexpr PanelGroup group = panel_group(Format::packing);
  constexpr std::int64_t share = group.bytes() / group.blocks;
  F acc[M][1];
  for (int m = 0; m < M; ++m) acc[m][0] = S::zero();
  const Tile8<S, M> tile(x, row);
  for_groups<S, M, 1>(x, row, acc, [&](std::int64_t b, F(&sums)[M][1]) {
    const Block block = panel.block<Format::packing>(b);
    stream_ahead<S>(panel.at + b * share, share);
    if constexpr (std::is_same_v<Format, Q8Split<S>>) stream_ahead<S>(block.low, 256);
    typename S::B q[8];
    Format::quads(block, q);
#pragma GCC unroll 2
    for (int half = 0; half < Format::halves; ++half) {
      constexpr bool is_signed = multiplied_signed<S, Format>;
      QuadSum<S, Format::bits, is_signed> t[M];
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) t[m].sum = tile.template start<Format>(b, half, m);
      // Rows inside: each row's sum is a chain, and M chains hide the latency of a dot product.
      constexpr int quads = 8 / Format::halves;
#pragma GCC unroll 8
      for (int j = half * quads; j < (half + 1) * quads; ++j) {
        if constexpr (is_signed) q[j] = S::add_bytes(q[j], 128);
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) t[m].add(j, q[j], S::broadcast_quad(tile.quad(b, j, m)));
      }
      const F scale = Format::scale(block, half);
      F minimum;
      if constexpr (Format::affine) minimum = Format::minimum(block, half);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        sums[m][0] = S::fma(S::to_float(t[m].sum), scale, sums[m][0]);
        if constexpr (Format::affine)
          sums[m][0] = S::fma(minimum, tile.template sum<Format::halves>(b, half, m), sums[m][0]);
      }
    }
  });
  store_tile<S>(out, row, p * panel_rows, w.rows, acc);
}

/// M rows of activations times G expanded panels: the inner loop of prefill. The arithmetic of direct_tile.
template <class S, class E, int M, int G>
void expanded_tile(const PackedMatrix& w, std::int64_t p, const ExpandedPanel (&panels)[2], NextPair<S>& next,
                   const Activations& x, std::int64_t row, const MatmulOutput& out) {
  using F = typename S::F;
  F acc[M][G];
  for (int m = 0; m < M; ++m)
    for (int g = 0; g < G; ++g) acc[m][g] = S::zero();
  const Tile8<S, M> tile(x, row);
  for_groups<S, M, G>(x, row, acc, [&](std::int64_t b, F(&sums)[M][G]) {
    next.step();
#pragma GCC unroll 2
    for (int half = 0; half < E::halves; ++half) {
      QuadSum<S, E::bits, multiplied_signed<S, E>> t[M][G];
      for (int m = 0; m < M; ++m) {
        const typename S::I start = tile.template start<E>(b, half, m);
        for (int g = 0; g < G; ++g) t[m][g].sum = start;
      }
      constexpr int quads = 8 / E::halves;
#pragma GCC unroll 8
      for (int j = half * quads; j < (half + 1) * quads; ++j) {
        typename S::B q[G];
        for (int g = 0; g < G; ++g) q[g] = S::load_bytes(panels[g].quants + E::quants_of(b) + 64 * j);
        for (int m = 0; m < M; ++m) {
          const typename S::B xq = S::broadcast_quad(tile.quad(b, j, m));
          for (int g = 0; g < G; ++g) t[m][g].add(j, q[g], xq);
        }
      }
      const std::int64_t at = (b * E::halves + half) * panel_rows;
      F scale[G];
      for (int g = 0; g < G; ++g) scale[g] = S::load(panels[g].scales + at);
      for (int m = 0; m < M; ++m) {
        for (int g = 0; g < G; ++g) sums[m][g] = S::fma(S::to_float(t[m][g].sum), scale[g], sums[m][g]);
        if constexpr (E::affine) {
          const F sum = tile.template sum<E::halves>(b, half, m);
          for (int g = 0; g < G; ++g) sums[m][g] = S::fma(S::load(panels[g].minima + at), sum, sums[m][g]);
        }
      }
    }
  });
  store_tile<S>(out, row, p * panel_rows, w.rows, acc);
}

/// M rows of activations times G panels of plain numbers.
template <class S, class Element, int M, int G>
void float_tile(const PackedMatrix& w, std::int64_t p, const Activations& x, std::int64_t row,
                const MatmulOutput& out) {
  using F = typename S::F;
  F acc[M][G];
  for (int m = 0; m < M; ++m)
    for (int g = 0; g < G; ++g) acc[m][g] = S::zero();
  const std::byte* panels[G];
  for (int g = 0; g < G; ++g) panels[g] = w.panel(p + g);
  const typename Element::template Rows<M> rows(x, row);
  for (std::int64_t k = 0; k < Element::steps(w.cols); ++k) {
    if constexpr (M <= 4) S::prefetch(panels[G - 1] + k * Element::step_bytes + S::prefetch_bytes);
    typename Element::W weights[G];
    for (int g = 0; g < G; ++g) weights[g] = Element::load(panels[g] + k * Element::step_bytes);
    for (int m = 0; m < M; ++m) {
      const auto value = rows.at(m, k);
      for (int g = 0; g < G; ++g) acc[m][g] = Element::multiply(weights[g], value, acc[m][g]);
    }
  }
  store_tile<S>(out, row, p * panel_rows, w.rows, acc);
}

template <class S>
struct ElementF32 {
  using W = typename S::F;
  static constexpr std::int64_t step_bytes = 64;
  static std::int64_t steps(std::int64_t cols) { return cols; }
  static W load(const std::byte* at) { return S::load(reinterpret_cast<const float*>(at)); }
  /// The tile of M rows of activations from `row` on.
  template <int M>
  struct Rows {
    const float* first;
    std::int64_t cols;
    Rows(const Activations& x, std::int64_t row) : first(x.f32 + row * x.cols), cols(x.cols) {}
    /// Of row m what step k multiplies.
    typename S::F at(int m, std::int64_t k) const { return S::broadcast(first + m * cols + k); }
  };
  static typename S::F multiply(W w, typename S::F x, typename S::F acc) { return S::fma(w, x, acc); }
};

template <class S>
struct ElementF16 : ElementF32<S> {
  static constexpr std::int64_t step_bytes = 32;
  static typename S::F load(const std::byte* at) { return S::load_f16(at); }
};

template <class S>
struct ElementBf16 : ElementF32<S> {
  static constexpr std::int64_t step_bytes = 32;
  static typename S::F load(const std::byte* at) { return S::load_bf16(at); }
};

template <class S>
struct ElementBf16Pairs {
  using W = typename S::B;
  static constexpr std::int64_t step_bytes = 64;
  static std::int64_t steps(std::int64_t cols) { return (cols + 1) / 2; }
  static W load(const std::byte* at) { return S::load_bytes(at); }
  template <int M>
  struct Rows {
    const std::uint16_t* first;
    Rows(const Activations& x, std::int64_t row) : first(x.bf16 + row * bf16_stride(x.cols)) {}
    /// Pair k of row m: every piece of a row is followed by the same piece of the next.
    typename S::B at(int m, std::int64_t k) const {
      constexpr std::int64_t piece = bf16_piece / 2, in_piece = piece - 1;
      const std::int64_t pair = (k & ~in_piece) * M + (k & in_piece) + piece * m;
      return S::broadcast_quad(reinterpret_cast<const std::int8_t*>(first + 2 * pair));
    }
  };
  static typename S::F multiply(W w, typename S::B x, typename S::F acc) { return S::dot_bf16(acc, w, x); }
};

template <class S, class Format>
void quantized_matmul(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                      const MatmulOutput& out, std::byte* scratch) {
  if (x.rows <= S::direct_rows) {
    for (std::int64_t p = begin; p < end; ++p)
      for_row_tiles<S::direct_rows>(x.rows,
                                    [&]<int M>(std::int64_t row) { direct_tile<S, Format, M>(w, p, x, row, out); });
    return;
  }
  constexpr PanelGroup group = panel_group(Format::packing);
  constexpr int bits = S::small_codes ? Format::bits : 8;
  constexpr bool in_place = group.quants == 512 && !multiplied_signed<S, Format>;
  using E = Expanded<S, bits, Format::halves, Format::affine, in_place ? group.bytes() : 0>;
  const std::int64_t tiles = (x.rows + S::tile_rows - 1) / S::tile_rows;
  for (std::int64_t p = begin; p < end; p += 2) {
    NextPair<S> next(w, p + 2, tiles * (w.cols / 32));
    ExpandedPanel panels[2];
    panels[0] = expand_panel<S, Format, E>(w, p, scratch);
    if (p + 1 < end) {
      panels[1] = expand_panel<S, Format, E>(w, p + 1, scratch + expanded_bytes(w.cols));
      for_row_tiles<S::tile_rows>(
          x.rows, [&]<int M>(std::int64_t row) { expanded_tile<S, E, M, 2>(w, p, panels, next, x, row, out); });
    } else {
      for_row_tiles<S::tile_rows>(
          x.rows, [&]<int M>(std::int64_t row) { expanded_tile<S, E, M, 1>(w, p, panels, next, x, row, out); });
    }
  }
}

template <class S, class Element>
void float_matmul(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                  const MatmulOutput& out) {
  for (std::int64_t p = begin; p < end;) {
    const bool pair = p + 1 < end;
    for_row_tiles<S::float_tile_rows>(x.rows, [&]<int M>(std::int64_t row) {
      if (pair)
        float_tile<S, Element, M, 2>(w, p, x, row, out);
      else
        float_tile<S, Element, M, 1>(w, p, x, row, out);
    });
    p += pair ? 2 : 1;
  }
}

/// Block b of 16 rows of bf16_split as a panel of pairs has it: `codes` are the block's as in a panel, and rest(r) is
/// where a row's further bits begin.
template <class S, class Rest>
void pairs_of_rows(const std::byte* codes, Rest&& rest, std::int64_t b, typename S::B (&pairs)[16]) {
  for (int r = 0; r < panel_rows; ++r) pairs[r] = S::magnitudes_of_block(rest(r) + b * 48);
  S::transpose_rows(pairs);
  S::put_signs(pairs, codes);
}

/// Block b of a panel of bf16_split in pairs; asks for as much of the panel `ahead` after this one.
template <class S>
void read_split(const PackedMatrix& w, std::int64_t p, std::int64_t b, int ahead, typename S::B (&pairs)[16]) {
  const std::byte *panel = w.panel(p), *rest = w.apart(p);
  prefetch_ahead<S>(panel + b * 288, ahead * static_cast<std::int64_t>(w.layout.bytes), 288);
  prefetch_ahead<S>(rest + b * 768, ahead * static_cast<std::int64_t>(w.layout.apart_bytes), 768);
  pairs_of_rows<S>(
      panel + panel_group(Packing::bf16_split).quants_of(b), [&](int r) { return rest + r * split_row_bytes(w.cols); },
      b, pairs);
}

/// M rows of activations times G panels: a few multiply what they read at once. Each product is one long chain of sums,
/// so several panels go side by side.
template <class S, int M, int G>
void split_tile(const PackedMatrix& w, std::int64_t p, const Activations& x, std::int64_t row,
                const MatmulOutput& out) {
  typename S::F acc[M][G];
  for (int m = 0; m < M; ++m)
    for (int g = 0; g < G; ++g) acc[m][g] = S::zero();
  const typename ElementBf16Pairs<S>::template Rows<M> rows(x, row);
  for (std::int64_t b = 0; b < w.cols / 32; ++b) {
    typename S::B pairs[G][16];
    for (int g = 0; g < G; ++g) read_split<S>(w, p + g, b, G, pairs[g]);
    for (int i = 0; i < 16; ++i)
      for (int m = 0; m < M; ++m) {
        const auto value = rows.at(m, 16 * b + i);
        for (int g = 0; g < G; ++g) acc[m][g] = ElementBf16Pairs<S>::multiply(pairs[g][i], value, acc[m][g]);
      }
  }
  store_tile<S>(out, row, p * panel_rows, w.rows, acc);
}

/// For many rows panels become panels of pairs in the scratch, two at a time, and are multiplied there.
template <class S>
void split_matmul(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                  const MatmulOutput& out, std::byte* scratch) {
  constexpr int few = 4;
  if (x.rows <= few) {
    const auto panels = [&]<int G>(std::int64_t p) {
      for_row_tiles<few>(x.rows, [&]<int M>(std::int64_t row) { split_tile<S, M, G>(w, p, x, row, out); });
    };
    std::int64_t p = begin;
    for (; p + 4 <= end; p += 4) panels.template operator()<4>(p);
    for (; p < end; ++p) panels.template operator()<1>(p);
    return;
  }
  const PanelLayout layout = panel_layout(Packing::bf16_pairs, w.cols);
  for (std::int64_t p = begin; p < end; p += 2) {
    const std::int64_t wide = std::min<std::int64_t>(end - p, 2), first = p * panel_rows;
    for (std::int64_t panel = 0; panel < wide; ++panel) {
      std::byte* to = scratch + panel * static_cast<std::int64_t>(layout.bytes);
      for (std::int64_t b = 0; b < w.cols / 32; ++b) {
        typename S::B pairs[16];
        read_split<S>(w, p + panel, b, 1, pairs);
        for (int i = 0; i < 16; ++i) S::store_bytes(to + (16 * b + i) * 64, pairs[i]);
      }
    }
    const PackedMatrix pairs{Packing::bf16_pairs, std::min(wide * panel_rows, w.rows - first), w.cols, scratch, layout};
    MatmulOutput here = out;
    here.first -= first;
    if (here.bias) here.bias += first;
    float_matmul<S, ElementBf16Pairs<S>>(pairs, 0, wide, x, here);
  }
}

template <class S>
void matmul(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const MatmulOutput& out,
            std::byte* scratch) {
  switch (w.packing) {
    case Packing::f32:
      return float_matmul<S, ElementF32<S>>(w, begin, end, x, out);
    case Packing::f16:
      return float_matmul<S, ElementF16<S>>(w, begin, end, x, out);
    case Packing::bf16:
      return float_matmul<S, ElementBf16<S>>(w, begin, end, x, out);
    case Packing::bf16_pairs:
      if constexpr (S::has_bf16_dot) return float_matmul<S, ElementBf16Pairs<S>>(w, begin, end, x, out);
      return;
    case Packing::bf16_split:
      if constexpr (S::has_bf16_dot) return split_matmul<S>(w, begin, end, x, out, scratch);
      return;
    case Packing::q4_0:
      return quantized_matmul<S, Q4_0<S>>(w, begin, end, x, out, scratch);
    case Packing::q5_0:
      return quantized_matmul<S, Q5_0<S>>(w, begin, end, x, out, scratch);
    case Packing::q8_0:
      return quantized_matmul<S, Q8_0<S>>(w, begin, end, x, out, scratch);
    case Packing::q4_k:
      return quantized_matmul<S, Q4_K<S>>(w, begin, end, x, out, scratch);
    case Packing::q5_k:
      return quantized_matmul<S, Q5_K<S>>(w, begin, end, x, out, scratch);
    case Packing::q6_k:
      return quantized_matmul<S, Q6_K<S>>(w, begin, end, x, out, scratch);
    case Packing::q8_split:
      return quantized_matmul<S, Q8Split<S>>(w, begin, end, x, out, scratch);
    case Packing::affine8:
      return quantized_matmul<S, Affine8<S>>(w, begin, end, x, out, scratch);
  }
}

}  // namespace sw::generic
