#include "ops/tables.hpp"
#include "ops/x86/avx512.hpp"

namespace sw {

const Kernels avx512_kernels = generic::make_kernels<Avx512>("avx512");

}  // namespace sw
