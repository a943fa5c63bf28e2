#pragma once

#include "measure/probes.hpp"

namespace sw {

extern const PeakProbe reference_fp32, reference_int8;
extern const ReadProbe reference_read;
#if defined(__x86_64__)
extern const PeakProbe avx2_fp32, avx2_int8, avx_vnni_int8, avx512_fp32, avx512_int8, avx512_bf16;
extern const ReadProbe avx2_read, avx512_read;
#elif defined(__aarch64__)
extern const PeakProbe neon_fp32, neon_int8, neon_i8mm_int8;
extern const ReadProbe neon_read;
#endif

}  // namespace sw
