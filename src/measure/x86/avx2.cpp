#include <immintrin.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

struct Floats {
  using Register = __m256;
  static constexpr int products = 8;
  static Register zero() { return _mm256_setzero_ps(); }
  static void hide(Register& x) { asm volatile("" : "+x"(x)); }
  static Register step(Register sum, Register a, Register b) { return _mm256_fmadd_ps(a, b, sum); }
};

/// Unsigned by signed bytes without VNNI: pairs to 16 bits, pairs of those to 32.
struct Bytes {
  using Register = __m256i;
  static constexpr int products = 32;
  static Register zero() { return _mm256_setzero_si256(); }
  static void hide(Register& x) { asm volatile("" : "+x"(x)); }
  static Register step(Register sum, Register a, Register b) {
    hide(a);  // the products of one iteration must not become one
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
  }
  static Register load(const std::byte* at) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(at)); }
  static Register either(Register a, Register b) { return _mm256_or_si256(a, b); }
};

}  // namespace

const PeakProbe avx2_fp32 = peak_probe<Floats>(Arithmetic::fp32, "vfmadd ymm");
const PeakProbe avx2_int8 = peak_probe<Bytes>(Arithmetic::int8, "vpmaddubsw ymm");
const ReadProbe avx2_read = {"ymm", read_all<Bytes>};

}  // namespace sw
