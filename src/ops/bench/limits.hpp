#pragma once

#include "measure/limits.hpp"

namespace sw::bench {

/// What one thread of this machine can do at best; measured once and kept, as `speedwins machine` does.
const ThreadLimits& limits_of_one_thread();

}  // namespace sw::bench
