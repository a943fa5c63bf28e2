#include <immintrin.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

struct Bytes {
  using Register = __m256i;
  static constexpr int products = 32;
  static Register zero() { return _mm256_setzero_si256(); }
  static void hide(Register& x) { asm volatile("" : "+x"(x)); }
  static Register step(Register sum, Register a, Register b) { return _mm256_dpbusd_avx_epi32(sum, a, b); }
};

}  // namespace

const PeakProbe avx_vnni_int8 = peak_probe<Bytes>(Arithmetic::int8, "vpdpbusd ymm");

}  // namespace sw
