#include "train/generic/table.hpp"
#include "train/tables.hpp"

namespace sw::train {

extern const Kernels avx2_kernels;
const Kernels avx2_kernels = generic_table("avx2");

}  // namespace sw::train
