#include <arm_neon.h>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

namespace sw {
namespace {

struct Floats {
  using Register = float32x4_t;
  static constexpr int products = 4;
  static Register zero() { return vdupq_n_f32(0); }
  static void hide(Register& x) { asm volatile("" : "+w"(x)); }
  static Register step(Register sum, Register a, Register b) { return vfmaq_f32(sum, a, b); }
};

struct Bytes {
  using Register = int32x4_t;
  static constexpr int products = 16;
  static Register zero() { return vdupq_n_s32(0); }
  static void hide(Register& x) { asm volatile("" : "+w"(x)); }
  static Register step(Register sum, Register a, Register b) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
  }
  static Register load(const std::byte* at) { return vld1q_s32(reinterpret_cast<const std::int32_t*>(at)); }
  static Register either(Register a, Register b) { return vorrq_s32(a, b); }
};

}  // namespace

const PeakProbe neon_fp32 = peak_probe<Floats>(Arithmetic::fp32, "fmla v.4s");
const PeakProbe neon_int8 = peak_probe<Bytes>(Arithmetic::int8, "sdot v.4s");
const ReadProbe neon_read = {"ldr q", read_all<Bytes>};

}  // namespace sw
