#include "train/generic/table.hpp"
#include "train/tables.hpp"

namespace sw::train {

extern const Kernels reference_kernels;
const Kernels reference_kernels = generic_table("reference");

}  // namespace sw::train
