// The processors with AVX-VNNI that lack AVX-512: Intel's Core since the twelfth generation, its N100 and the like.
#include "ops/tables.hpp"
#include "ops/x86/avx2.hpp"

namespace sw {
namespace {

struct AvxVnni : Avx2 {
  static constexpr bool small_codes = false, signed_codes = false, adds_pairs = false;

  template <int Bits>
  static I dot(I acc, B w, B x) {
    return {_mm256_dpbusd_avx_epi32(acc.lo, w.lo, x.lo), _mm256_dpbusd_avx_epi32(acc.hi, w.hi, x.hi)};
  }
};

}  // namespace

const Kernels avx_vnni_kernels = generic::make_kernels<AvxVnni>("avx_vnni");

}  // namespace sw
