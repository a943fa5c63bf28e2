#pragma once

#include <immintrin.h>

namespace sw {
namespace {  // each file that includes this is compiled with its own instructions

/// Rows of 32-bit words become columns.
inline void transpose_16(__m512i (&x)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  // Of four rows, 4×4 words of every quarter are transposed now: column 4·quarter + i is in x[4·group + i].
  for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i low_even = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);        // quarters 0, 2 of rows 0–3 and 4–7
    const __m512i low_odd = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);         // quarters 1, 3
    const __m512i high_even = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);  // of rows 8–11 and 12–15
    const __m512i high_odd = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
    t[i] = _mm512_shuffle_i32x4(low_even, high_even, 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
    t[i + 8] = _mm512_shuffle_i32x4(low_even, high_even, 0xdd);
    t[i + 12] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xdd);
  }
  for (int i = 0; i < 16; ++i) x[i] = t[i];
}

}  // namespace
}  // namespace sw
