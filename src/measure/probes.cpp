#include "base/cpu.hpp"
#include "measure/probe_tables.hpp"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace sw {

Probes available_probes() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");
  if (avx512) {
    Probes probes = {{avx512_int8, avx512_fp32}, avx512_read};
    if (__builtin_cpu_supports("avx512bf16")) probes.peaks.insert(probes.peaks.begin() + 1, avx512_bf16);
    return probes;
  }
  if (avx2) return {{has_avx_vnni() ? avx_vnni_int8 : avx2_int8, avx2_fp32}, avx2_read};
#elif defined(__aarch64__)
  if (getauxval(AT_HWCAP2) & HWCAP2_I8MM) return {{neon_i8mm_int8, neon_fp32}, neon_read};
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) return {{neon_int8, neon_fp32}, neon_read};
#endif
  return {{reference_int8, reference_fp32}, reference_read};
}

}  // namespace sw
