#pragma once

#include <cstdint>

namespace sw {

/// The largest resident set of this process since it began or since the last reset.
std::int64_t peak_memory_bytes();
/// Where the kernel cannot reset it, the peak since the process began stands.
void reset_peak_memory();

}  // namespace sw
