#include <arm_neon.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

/// A 2×8 by 8×2 product of bytes.
struct Tiles {
  using Register = int32x4_t;
  static constexpr int products = 32;
  static Register zero() { return vdupq_n_s32(0); }
  static void hide(Register& x) { asm volatile("" : "+w"(x)); }
  static Register step(Register sum, Register a, Register b) {
    return vmmlaq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
  }
};

}  // namespace

const PeakProbe neon_i8mm_int8 = peak_probe<Tiles>(Arithmetic::int8, "smmla v.4s");

}  // namespace sw
