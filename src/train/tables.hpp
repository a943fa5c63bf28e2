#pragma once

#include "train/kernels.hpp"

namespace sw::train {

extern const Kernels reference_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels, avx512_kernels;
#endif

}  // namespace sw::train
