// AVX2 with FMA and F16C. A register of the generic algorithms is two of 256 bits. Included by one source per
// instruction set: with AVX-VNNI an 8-bit dot product is one instruction, without it two or more, as exact as one, so
// that all tables give the same bits.
#pragma once

#include <immintrin.h>

#include "ops/generic/kernels.hpp"

namespace sw {
namespace {

struct Avx2 {
  struct F {
    __m256 lo, hi;  ///< lanes 0–7 and 8–15
  };
  struct I {
    __m256i lo, hi;
  };
  using B = I;

  static constexpr bool has_bf16_dot = false, small_codes = true, signed_codes = true, adds_pairs = true;
  // 16 registers: what one step along K keeps of a tile fits, and the fp32 sums of a product wait in L1.
  static constexpr int tile_rows = 2, direct_rows = 8, float_tile_rows = 2;
  static constexpr int score_rows = 2, value_rows = 2, value_registers = 2;
  static constexpr int prefetch_bytes = 16384, stream_bytes = 6336;

  /// Into L2: the requests L1 can have under way at once cover half of memory's bandwidth.
  static void prefetch(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T1); }
  /// Into L1, for weights that are read once and at once.
  static void prefetch_stream(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

  static F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static F set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static F broadcast(const float* at) { return set(*at); }
  static F load(const float* at) { return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)}; }
  static F load_first(const float* at, int n) {
    const I mask = first_lanes(n);
    return {_mm256_maskload_ps(at, mask.lo), _mm256_maskload_ps(at + 8, mask.hi)};
  }
  static F load_f16(const std::byte* at) { return {_mm256_cvtph_ps(load_16(at)), _mm256_cvtph_ps(load_16(at + 16))}; }
  static F load_bf16(const std::byte* at) {
    const auto widen = [](__m128i half) {
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    };
    return {widen(load_16(at)), widen(load_16(at + 16))};
  }
  /// Lanes' lower halves, and their upper ones.
  static void load_bf16_pairs(const std::byte* at, F& low, F& high) {
    const auto* words = reinterpret_cast<const __m256i*>(at);
    const __m256i pairs[2] = {_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000));
    low = {_mm256_castsi256_ps(_mm256_slli_epi32(pairs[0], 16)), _mm256_castsi256_ps(_mm256_slli_epi32(pairs[1], 16))};
    high = {_mm256_castsi256_ps(_mm256_and_si256(pairs[0], mask)),
            _mm256_castsi256_ps(_mm256_and_si256(pairs[1], mask))};
  }
  static F load_u8(const std::byte* at) {
    const __m128i bytes = load_16(at);
    return to_float({_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))});
  }
  /// Bytes' lower halves, and their upper ones.
  static void load_u4(const std::byte* at, F& low, F& high) {
    const __m128i bytes = load_16(at);
    const __m256i codes[2] = {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))};
    const __m256i mask = _mm256_set1_epi32(15);
    low = to_float({_mm256_and_si256(codes[0], mask), _mm256_and_si256(codes[1], mask)});
    high = to_float({_mm256_srli_epi32(codes[0], 4), _mm256_srli_epi32(codes[1], 4)});
  }
  static F load_i8(const std::byte* at) {
    const __m128i bytes = load_16(at);
    return to_float({_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes))});
  }
  static void store(float* at, F x) {
    _mm256_storeu_ps(at, x.lo);
    _mm256_storeu_ps(at + 8, x.hi);
  }
  static void store_first(float* at, F x, int n) {
    const I mask = first_lanes(n);
    _mm256_maskstore_ps(at, mask.lo, x.lo);
    _mm256_maskstore_ps(at + 8, mask.hi, x.hi);
  }
  /// Rounds to nearest even and stores 16 bytes.
  static void store_i8(std::int8_t* at, F x) {
    const __m256i lo = _mm256_cvtps_epi32(x.lo), hi = _mm256_cvtps_epi32(x.hi);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0b11'01'10'00);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at),
                     _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  /// 64 of them.
  static void store_i8(std::int8_t* at, const F (&x)[4]) {
    const auto words = [&](int i) {
      return _mm256_packs_epi32(_mm256_cvtps_epi32(x[i].lo), _mm256_cvtps_epi32(x[i].hi));
    };
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int half = 0; half < 2; ++half)
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(at) + half,
          _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words(2 * half), words(2 * half + 1)), order));
  }

  static F add(F a, F b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static F sub(F a, F b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static F div(F a, F b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
  static F max(F a, F b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
  static F min(F a, F b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
  static F abs(F x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.lo), _mm256_andnot_ps(sign, x.hi)};
  }
  static F zero_where_less(F value, F x, F limit) {
    return {_mm256_and_ps(value.lo, _mm256_cmp_ps(x.lo, limit.lo, _CMP_NLT_UQ)),
            _mm256_and_ps(value.hi, _mm256_cmp_ps(x.hi, limit.hi, _CMP_NLT_UQ))};
  }
  static F keep_lanes(F x, int begin, int end, float other) {
    const I until = first_lanes(end), before = first_lanes(begin);
    const auto pick = [&](__m256 lanes, __m256i in, __m256i out) {
      return _mm256_blendv_ps(_mm256_set1_ps(other), lanes, _mm256_castsi256_ps(_mm256_andnot_si256(out, in)));
    };
    return {pick(x.lo, until.lo, before.lo), pick(x.hi, until.hi, before.hi)};
  }
  /// x · 2^n, where n is in the low bits of `shifted`.
  static F scale_by_exponent(F x, F shifted) {
    const auto scaled = [](__m256 value, __m256 n) {
      return _mm256_castsi256_ps(
          _mm256_add_epi32(_mm256_castps_si256(value), _mm256_slli_epi32(_mm256_castps_si256(n), 23)));
    };
    return {scaled(x.lo, shifted.lo), scaled(x.hi, shifted.hi)};
  }
  static float max_lanes(F x) {
    const __m256 eight = _mm256_max_ps(x.lo, x.hi);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static float first_lane(F x) { return _mm256_cvtss_f32(x.lo); }
  /// Halves are added to halves: ((lane 0 + lane 8) + (lane 4 + lane 12)) + …, as every instruction set does it.
  static float sum_lanes(F x) {
    const __m256 eight = _mm256_add_ps(x.lo, x.hi);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  static I zero_i() { return both(_mm256_setzero_si256()); }
  static I broadcast_i(const std::int32_t* at) { return both(_mm256_set1_epi32(*at)); }
  template <int N>
  static I shift_right(I x) {
    return {_mm256_srai_epi32(x.lo, N), _mm256_srai_epi32(x.hi, N)};
  }
  static F to_float(I x) { return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)}; }

  static B load_bytes(const std::byte* at) {
    const auto* words = reinterpret_cast<const __m256i*>(at);
    return {_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
  }
  /// Transposes the 4×4 words at the same quarter of four registers.
  static void transpose_words(B (&q)[4]) {
    const auto transpose = [&](__m256i B::*half) {
      const __m256i a = _mm256_unpacklo_epi32(q[0].*half, q[1].*half),
                    b = _mm256_unpackhi_epi32(q[0].*half, q[1].*half);
      const __m256i c = _mm256_unpacklo_epi32(q[2].*half, q[3].*half),
                    d = _mm256_unpackhi_epi32(q[2].*half, q[3].*half);
      q[0].*half = _mm256_unpacklo_epi64(a, c);
      q[1].*half = _mm256_unpackhi_epi64(a, c);
      q[2].*half = _mm256_unpacklo_epi64(b, d);
      q[3].*half = _mm256_unpackhi_epi64(b, d);
    };
    transpose(&B::lo);
    transpose(&B::hi);
  }
  static void store_bytes(std::byte* at, B x) {
    auto* words = reinterpret_cast<__m256i*>(at);
    _mm256_storeu_si256(words, x.lo);
    _mm256_storeu_si256(words + 1, x.hi);
  }
  static B low_nibbles(B x) { return bit_and(x, _mm256_set1_epi8(15)); }
  static B high_nibbles(B x) {
    return bit_and({_mm256_srli_epi16(x.lo, 4), _mm256_srli_epi16(x.hi, 4)}, _mm256_set1_epi8(15));
  }
  static B join_low(B high, B low) {
    return choose({_mm256_slli_epi16(high.lo, 4), _mm256_slli_epi16(high.hi, 4)}, low);
  }
  static B join_high(B high, B low) {
    return choose(high, {_mm256_srli_epi16(low.lo, 4), _mm256_srli_epi16(low.hi, 4)});
  }
  static B bit_or(B a, B b) { return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)}; }
  static B add_bytes(B x, int value) {
    const __m256i bytes = _mm256_set1_epi8(static_cast<char>(value));
    return {_mm256_add_epi8(x.lo, bytes), _mm256_add_epi8(x.hi, bytes)};
  }
  static B add_bit(B x, const std::byte* bits, int value) {
    const __m256i bytes = _mm256_set1_epi8(static_cast<char>(value));
    const auto added = [&](__m256i codes, const std::byte* at) {
      return _mm256_add_epi8(codes, _mm256_and_si256(bytes_of_bits(at), bytes));
    };
    return {added(x.lo, bits), added(x.hi, bits + 4)};
  }
  /// Bits [Shift, Shift + 2) of every byte, moved to bits 4 and 5.
  template <int Shift>
  static B two_bits_at_4(B x) {
    const auto moved = [](__m256i v) {
      return Shift < 4 ? _mm256_slli_epi16(v, 4 - Shift) : _mm256_srli_epi16(v, Shift - 4);
    };
    return bit_and({moved(x.lo), moved(x.hi)}, _mm256_set1_epi8(0x30));
  }
  static B broadcast_quad(const std::int8_t* at) {
    std::int32_t quad;
    __builtin_memcpy(&quad, at, sizeof quad);
    return both(_mm256_set1_epi32(quad));
  }
  /// Products of bytes as 16-bit pairs, even columns and odd ones: a sum of two is far below 2^31.
  template <int Bits>
  static I dot(I acc, B w, B x) {
    const auto sum = [](__m256i to, __m256i codes, __m256i values) {
      const __m256i even = _mm256_madd_epi16(_mm256_and_si256(codes, _mm256_set1_epi16(255)),
                                             _mm256_srai_epi16(_mm256_slli_epi16(values, 8), 8));
      const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(codes, 8), _mm256_srai_epi16(values, 8));
      return _mm256_add_epi32(to, _mm256_add_epi32(even, odd));
    };
    return {sum(acc.lo, w.lo, x.lo), sum(acc.hi, w.hi, x.hi)};
  }
  /// Codes from −128 on times −127 to 127: a pair of products, at most 2·128·127, fits in 16 bits.
  static I dot_signed(I acc, B w, B x) {
    const auto sum = [](__m256i to, __m256i codes, __m256i values) {
      const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(values, codes));
      return _mm256_add_epi32(to, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    };
    return {sum(acc.lo, w.lo, x.lo), sum(acc.hi, w.hi, x.hi)};
  }
  /// Products of bytes in pairs of 16 bits. Of codes below 128 their sums, at most 2·127·127, fit.
  static B pairs(B w, B x) { return {_mm256_maddubs_epi16(w.lo, x.lo), _mm256_maddubs_epi16(w.hi, x.hi)}; }
  static B add_pairs(B a, B b) { return {_mm256_add_epi16(a.lo, b.lo), _mm256_add_epi16(a.hi, b.hi)}; }
  static I add_sums(I acc, B pairs) {
    const __m256i ones = _mm256_set1_epi16(1);
    return {_mm256_add_epi32(acc.lo, _mm256_madd_epi16(pairs.lo, ones)),
            _mm256_add_epi32(acc.hi, _mm256_madd_epi16(pairs.hi, ones))};
  }

  static void leave() { _mm256_zeroupper(); }

 private:
  static I both(__m256i x) { return {x, x}; }
  static B bit_and(B x, __m256i mask) { return {_mm256_and_si256(x.lo, mask), _mm256_and_si256(x.hi, mask)}; }
  /// The upper halves of one's bytes, the lower halves of another's.
  static B choose(B upper, B lower) {
    const __m256i mask = _mm256_set1_epi8(15);
    const auto one = [&](__m256i u, __m256i l) {
      return _mm256_or_si256(_mm256_andnot_si256(mask, u), _mm256_and_si256(mask, l));
    };
    return {one(upper.lo, lower.lo), one(upper.hi, lower.hi)};
  }
  static __m128i load_16(const std::byte* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
  static I first_lanes(int n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes), _mm256_cmpgt_epi32(_mm256_set1_epi32(n - 8), lanes)};
  }
  /// 32 bits → 32 bytes of all ones or zeros.
  static __m256i bytes_of_bits(const std::byte* at) {
    std::int32_t bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i one_bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), spread);
    return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, one_bit), one_bit);
  }
};

}  // namespace
}  // namespace sw
