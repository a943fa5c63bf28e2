#include <immintrin.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

struct Floats {
  using Register = __m512;
  static constexpr int products = 16;
  static Register zero() { return _mm512_setzero_ps(); }
  static void hide(Register& x) { asm volatile("" : "+v"(x)); }
  static Register step(Register sum, Register a, Register b) { return _mm512_fmadd_ps(a, b, sum); }
};

struct Bytes {
  using Register = __m512i;
  static constexpr int products = 64;
  static Register zero() { return _mm512_setzero_si512(); }
  static void hide(Register& x) { asm volatile("" : "+v"(x)); }
  static Register step(Register sum, Register a, Register b) { return _mm512_dpbusd_epi32(sum, a, b); }
  static Register load(const std::byte* at) { return _mm512_load_si512(at); }
  static Register either(Register a, Register b) { return _mm512_or_si512(a, b); }
};

}  // namespace

const PeakProbe avx512_fp32 = peak_probe<Floats>(Arithmetic::fp32, "vfmadd zmm");
const PeakProbe avx512_int8 = peak_probe<Bytes>(Arithmetic::int8, "vpdpbusd zmm");
const ReadProbe avx512_read = {"zmm", read_all<Bytes>};

}  // namespace sw
