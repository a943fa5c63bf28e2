#include "train/generic/table.hpp"
#include "train/tables.hpp"

namespace sw::train {

extern const Kernels avx512_kernels;
const Kernels avx512_kernels = generic_table("avx512");

}  // namespace sw::train
