#include <immintrin.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

struct Bf16Pairs {
  using Register = __m512;
  static constexpr int products = 32;
  static Register zero() { return _mm512_setzero_ps(); }
  static void hide(Register& x) { asm volatile("" : "+v"(x)); }
  static Register step(Register sum, Register a, Register b) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
};

}  // namespace

const PeakProbe avx512_bf16 = peak_probe<Bf16Pairs>(Arithmetic::bf16, "vdpbf16ps zmm");

}  // namespace sw
