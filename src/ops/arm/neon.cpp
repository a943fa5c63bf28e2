#include "ops/arm/neon.hpp"

#include "ops/tables.hpp"

namespace sw {

const Kernels neon_kernels = generic::make_kernels<Neon>("neon");

}  // namespace sw
