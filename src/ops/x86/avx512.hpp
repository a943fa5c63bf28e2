// AVX-512 with VNNI (8-bit dot products). A lane of the generic algorithms is a lane of one 512-bit register. Included
// by one source per instruction set: with BF16 dot products and without.
#pragma once

#include <immintrin.h>

#include "ops/generic/kernels.hpp"

namespace sw {
namespace {

struct Avx512 {
  using F = __m512;
  using I = __m512i;
  using B = __m512i;

  static constexpr bool has_bf16_dot = false, small_codes = false, signed_codes = false, adds_pairs = false;
  // 32 registers: a 6×2 tile holds 12 integer sums, 12 fp32 ones of a group of columns, 2 weight quads and a broadcast;
  // its results wait in L1.
  static constexpr int tile_rows = 6, direct_rows = 8, float_tile_rows = 12;
  static constexpr int score_rows = 8, value_rows = 6, value_registers = 4;
  static constexpr int prefetch_bytes = 16384, stream_bytes = 6336;

  /// Into L2: the requests L1 can have under way at once cover half of memory's bandwidth.
  static void prefetch(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T1); }
  /// Into L1, for weights that are read once and at once.
  static void prefetch_stream(const void* at) { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

  static F zero() { return _mm512_setzero_ps(); }
  static F set(float x) { return _mm512_set1_ps(x); }
  static F broadcast(const float* at) { return _mm512_set1_ps(*at); }
  static F load(const float* at) { return _mm512_loadu_ps(at); }
  static F load_first(const float* at, int n) { return _mm512_maskz_loadu_ps(first_lanes(n), at); }
  static F load_f16(const std::byte* at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
  static F load_bf16(const std::byte* at) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  /// Lanes' lower halves, and their upper ones.
  static void load_bf16_pairs(const std::byte* at, F& low, F& high) {
    const __m512i pairs = _mm512_loadu_si512(at);
    low = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    high = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
  }
  static F load_u8(const std::byte* at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))));
  }
  /// Bytes' lower halves, and their upper ones.
  static void load_u4(const std::byte* at, F& low, F& high) {
    const __m512i codes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    // A permutation looks at the low four bits of its indices only, and so takes the place of mask and conversion.
    const __m512 numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    low = _mm512_permutexvar_ps(codes, numbers);
    high = _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4), numbers);
  }
  static F load_i8(const std::byte* at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))));
  }
  static void store(float* at, F x) { _mm512_storeu_ps(at, x); }
  static void store_first(float* at, F x, int n) { _mm512_mask_storeu_ps(at, first_lanes(n), x); }
  /// Rounds to nearest even and stores 16 bytes.
  static void store_i8(std::int8_t* at, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
  }
  /// 64 of them.
  static void store_i8(std::int8_t* at, const F (&x)[4]) {
    const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
    const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(at, _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high)));
  }
  static void sums_of_16(const std::int8_t (&q)[128], std::int32_t (&sums)[8]) {
    const auto sum_of_quarters = [&](int from) {
      const __m512i ones = _mm512_set1_epi8(1);
      const __m512i fours = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, _mm512_loadu_si512(q + from));
      const __m512i eights = _mm512_add_epi32(fours, _mm512_shuffle_epi32(fours, _MM_PERM_CDAB));
      return _mm512_add_epi32(eights, _mm512_shuffle_epi32(eights, _MM_PERM_BADC));
    };
    const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i eight = _mm512_permutex2var_epi32(sum_of_quarters(0), lanes, sum_of_quarters(64));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), _mm512_castsi512_si256(eight));
  }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F abs(F x) { return _mm512_abs_ps(x); }
  static F zero_where_less(F value, F x, F limit) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), value);
  }
  static F keep_lanes(F x, int begin, int end, float other) {
    const auto mask = static_cast<__mmask16>(begin < end ? first_lanes(end) & ~first_lanes(begin) : 0);
    return _mm512_mask_mov_ps(_mm512_set1_ps(other), mask, x);
  }
  /// x · 2^n, where n is in the low bits of `shifted`.
  static F scale_by_exponent(F x, F shifted) {
    return _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_castps_si512(x), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
  }
  static float max_lanes(F x) { return _mm512_reduce_max_ps(x); }
  static float first_lane(F x) { return _mm512_cvtss_f32(x); }
  /// Halves are added to halves: ((lane 0 + lane 8) + (lane 4 + lane 12)) + …, as every instruction set does it.
  static float sum_lanes(F x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  static I zero_i() { return _mm512_setzero_si512(); }
  static I broadcast_i(const std::int32_t* at) { return _mm512_set1_epi32(*at); }
  template <int N>
  static I shift_right(I x) {
    return _mm512_srai_epi32(x, N);
  }
  static F to_float(I x) { return _mm512_cvtepi32_ps(x); }

  static B load_bytes(const std::byte* at) { return _mm512_loadu_si512(at); }
  static void store_bytes(std::byte* at, B x) { _mm512_storeu_si512(at, x); }
  static B low_nibbles(B x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
  static B high_nibbles(B x) { return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15)); }
  /// Bytes of the low, or of the high, nibbles of both.
  static B join_low(B high, B low) { return choose(_mm512_slli_epi16(high, 4), low); }
  static B join_high(B high, B low) { return choose(high, _mm512_srli_epi16(low, 4)); }
  static B bit_or(B a, B b) { return _mm512_or_si512(a, b); }
  static B add_bytes(B x, int value) { return _mm512_add_epi8(x, _mm512_set1_epi8(static_cast<char>(value))); }
  static B add_bit(B x, const std::byte* bits, int value) {
    __mmask64 mask;
    __builtin_memcpy(&mask, bits, sizeof mask);
    return _mm512_mask_add_epi8(x, mask, x, _mm512_set1_epi8(static_cast<char>(value)));
  }
  /// Bits [Shift, Shift + 2) of every byte, moved to bits 4 and 5.
  template <int Shift>
  static B two_bits_at_4(B x) {
    const B moved = Shift < 4 ? _mm512_slli_epi16(x, 4 - Shift) : _mm512_srli_epi16(x, Shift - 4);
    return _mm512_and_si512(moved, _mm512_set1_epi8(0x30));
  }
  static B broadcast_quad(const std::int8_t* at) {
    std::int32_t quad;
    __builtin_memcpy(&quad, at, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
  template <int Bits>
  static I dot(I acc, B w, B x) {
    return _mm512_dpbusd_epi32(acc, w, x);
  }
  /// Transposes the 4×4 words at the same quarter of four registers.
  static void transpose_words(B (&q)[4]) {
    const B a = _mm512_unpacklo_epi32(q[0], q[1]), b = _mm512_unpackhi_epi32(q[0], q[1]);
    const B c = _mm512_unpacklo_epi32(q[2], q[3]), d = _mm512_unpackhi_epi32(q[2], q[3]);
    q[0] = _mm512_unpacklo_epi64(a, c);
    q[1] = _mm512_unpackhi_epi64(a, c);
    q[2] = _mm512_unpacklo_epi64(b, d);
    q[3] = _mm512_unpackhi_epi64(b, d);
  }
  /// Σ over 32 columns of one row: high nibbles from quads 64 bytes apart, low nibbles from 16 bytes.
  static std::int32_t dot_split(const std::byte* high_quads, const std::byte* low_bytes, const std::int8_t* x) {
    __m128i high = _mm_loadu_si32(high_quads);
    high = _mm_insert_epi32(high, load_word(high_quads + 64), 1);
    high = _mm_insert_epi32(high, load_word(high_quads + 128), 2);
    high = _mm_insert_epi32(high, load_word(high_quads + 192), 3);
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(low_bytes)), mask = _mm_set1_epi8(15);
    const __m128i first = _mm_or_si128(_mm_slli_epi16(_mm_and_si128(high, mask), 4), _mm_and_si128(low, mask));
    const __m128i second = _mm_or_si128(_mm_andnot_si128(mask, high), _mm_and_si128(_mm_srli_epi16(low, 4), mask));
    const auto* at = reinterpret_cast<const __m128i*>(x);
    __m128i sum = _mm_dpbusd_epi32(_mm_setzero_si128(), first, _mm_loadu_si128(at));
    sum = _mm_dpbusd_epi32(sum, second, _mm_loadu_si128(at + 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
  }
  static void store_f16(std::uint16_t* at, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static void leave() { _mm256_zeroupper(); }

 private:
  static int load_word(const std::byte* at) {
    int word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
  }
  /// The upper halves of one's bytes, the lower halves of another's.
  static B choose(B upper, B lower) { return _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), lower, upper, 0xca); }
  static __mmask16 first_lanes(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
};

}  // namespace
}  // namespace sw
