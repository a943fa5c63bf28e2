#include "ops/tables.hpp"
#include "ops/x86/avx2.hpp"

namespace sw {

const Kernels avx2_kernels = generic::make_kernels<Avx2>("avx2");

}  // namespace sw
