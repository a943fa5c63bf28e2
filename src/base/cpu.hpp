// Features of the processor that a compiler's __builtin_cpu_supports does not know.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

namespace sw {

/// Clang's does not know F16C.
inline bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

/// 8-bit dot products without AVX-512, which GCC 12 does not know.
inline bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4) != 0;
}

}  // namespace sw
#endif
