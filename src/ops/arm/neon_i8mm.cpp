#include "ops/arm/neon.hpp"
#include "ops/tables.hpp"

namespace sw {

const Kernels neon_i8mm_kernels = generic::make_kernels<Neon>("neon_i8mm");

}  // namespace sw
