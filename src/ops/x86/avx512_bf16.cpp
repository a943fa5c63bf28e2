// Dot products of BF16 pairs, and what is stored in BF16 for them.
#include <bit>

#include "ops/tables.hpp"
#include "ops/x86/avx512.hpp"
#include "ops/x86/transpose.hpp"

namespace sw {
namespace {

struct Avx512Bf16 : Avx512 {
  static constexpr bool has_bf16_dot = true;

  template <class Halves>
  static Halves f16_to_bf16(Halves h) {
    const __m256 wide = _mm256_cvtph_ps(std::bit_cast<__m128i>(h));
    return std::bit_cast<Halves>(_mm256_cvtneps_pbh(wide));
  }
  /// Word j of row r changes places with word r of row j.
  static void transpose_rows(B (&rows)[16]) { transpose_16(rows); }
  static void store_bf16(std::uint16_t* at, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), std::bit_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  }
  /// 16 numbers in BF16 as bf16_split has them: codes, and twelve bits each; x becomes what they stand for. Returns
  /// what the sketch leaves out; `whole` becomes false where a number is too large.
  static F split_half(F& x, F scale, F inverse, __m128i& codes, __m512i& rest, bool& whole) {
    const __m512i stored = _mm512_and_si512(_mm512_srli_epi32(_mm512_castps_si512(x), 16), _mm512_set1_epi32(0x7fff));
    const __m512i magnitude = _mm512_max_epi32(stored, _mm512_set1_epi32(0x3000));
    whole = whole && _mm512_cmpge_epi32_mask(magnitude, _mm512_set1_epi32(0x4000)) == 0;
    rest = _mm512_and_si512(magnitude, _mm512_set1_epi32(0xfff));
    x = _mm512_or_ps(_mm512_and_ps(x, _mm512_set1_ps(-0.0f)), _mm512_castsi512_ps(_mm512_slli_epi32(magnitude, 16)));
    const __m512i eight = _mm512_set1_epi32(8);
    const __m512i floor =
        _mm512_cvt_roundps_epi32(_mm512_mul_ps(x, inverse), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512i code = _mm512_add_epi32(floor, eight);
    const __m512i above = _mm512_max_epi32(_mm512_min_epi32(code, _mm512_set1_epi32(15)), eight);
    const __m512i below = _mm512_min_epi32(_mm512_max_epi32(code, _mm512_setzero_si512()), _mm512_set1_epi32(7));
    const __m512i signed_code = _mm512_mask_mov_epi32(above, _mm512_movepi32_mask(_mm512_castps_si512(x)), below);
    codes = _mm512_cvtepi32_epi8(signed_code);
    return _mm512_fnmadd_ps(scale, _mm512_sub_ps(_mm512_cvtepi32_ps(signed_code), _mm512_set1_ps(7.5f)), x);
  }
  /// A row's 32 numbers of one block: its 16 bytes of codes in pairs, and its 48 further bytes.
  static bool split_block(F (&x)[2], float scale, std::byte* codes, std::byte* rest, F (&left_out)[2]) {
    bool whole = true;
    __m128i code[2];
    const F s = set(scale), inverse = set(scale != 0 ? 1 / scale : 0);
    for (int half = 0; half < 2; ++half) {
      __m512i bits;
      left_out[half] = split_half(x[half], s, inverse, code[half], bits, whole);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(rest) + half, _mm512_cvtepi32_epi8(bits));
      // Of two neighbours the upper four bits in a byte.
      const __m512i upper = _mm512_srli_epi32(bits, 8);
      const __m512i pairs = _mm512_or_si512(upper, _mm512_srli_epi64(upper, 28));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(rest + 32 + 8 * half), _mm512_cvtepi64_epi8(pairs));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm_or_si128(code[0], _mm_slli_epi16(code[1], 4)));
    return whole;
  }
  /// 32 numbers of a row without their signs, from their 12 bits each.
  static B magnitudes_of_block(const std::byte* rest) {
    const __m512i low = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(rest)));
    const __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(rest + 32)));
    // (one or other) and where they belong; then low or that or the three bits that all numbers have.
    const __m512i upper = _mm512_ternarylogic_epi32(_mm512_slli_epi32(pairs, 8), _mm512_slli_epi32(pairs, 20),
                                                    _mm512_set1_epi32(0x0f000f00), 0xa8);
    return _mm512_ternarylogic_epi32(low, upper, _mm512_set1_epi16(0x3000), 0xfe);
  }
  /// Pairs of such numbers, of 16 rows, get their signs: they are in the codes, as in a panel.
  static void put_signs(B (&pairs)[16], const std::byte* codes) {
    // A code's upper bit, in bit 7 of its byte, comes to bit 15 of its number.
    const __m512i of_first = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 1, 4, 4, 4, 5, 8, 8, 8, 9, 12, 12, 12, 13));
    const __m512i of_second =
        _mm512_broadcast_i32x4(_mm_setr_epi8(2, 2, 2, 3, 6, 6, 6, 7, 10, 10, 10, 11, 14, 14, 14, 15));
    const auto put = [&](__m512i& pair, __m512i above, const __m512i& bytes) {
      const __m512i sign = _mm512_set1_epi16(static_cast<short>(0x8000));  // where the bit is not set
      pair = _mm512_ternarylogic_epi32(pair, _mm512_shuffle_epi8(above, bytes), sign, 0xf2);
    };
    for (int quad = 0; quad < 4; ++quad) {
      const __m512i high = _mm512_loadu_si512(codes + 64 * quad), low = _mm512_slli_epi16(high, 4);
      put(pairs[2 * quad], low, of_first);
      put(pairs[2 * quad + 1], low, of_second);
      put(pairs[8 + 2 * quad], high, of_first);
      put(pairs[9 + 2 * quad], high, of_second);
    }
  }
  static F round_to_bf16(F x) {
    const __m256i half = std::bit_cast<__m256i>(_mm512_cvtneps_pbh(x));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  /// Pairs without their upper numbers.
  static B low_halves(B pairs) { return _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff)); }
  static F dot_bf16(F acc, B w, B x) {
    return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
};

}  // namespace

const Kernels avx512_bf16_kernels = generic::make_kernels<Avx512Bf16>("avx512_bf16");

}  // namespace sw
