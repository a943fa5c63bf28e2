#pragma once

#include "ops/ops.hpp"

namespace sw {

extern const Kernels reference_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx_vnni_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512_bf16_kernels;
#elif defined(__aarch64__)
extern const Kernels neon_kernels;
extern const Kernels neon_i8mm_kernels;
#endif

}  // namespace sw
