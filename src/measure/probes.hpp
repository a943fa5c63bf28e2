#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/spans.hpp"

namespace sw {

/// Code that does nothing but one kind of work, as fast as an instruction set allows: what it reaches is the limit that
/// real work is compared with.
struct PeakProbe {
  Arithmetic arithmetic;
  const char* instruction;          ///< "vpdpbusd zmm"
  double operations_per_iteration;  ///< multiplications and additions
  void (*run)(std::int64_t iterations);
};

struct ReadProbe {
  const char* instruction;
  /// Reads `bytes` (a multiple of 512) at `data`, aligned to 64 bytes.
  void (*run)(const std::byte* data, std::size_t bytes);
};

/// The best this CPU can run.
struct Probes {
  std::vector<PeakProbe> peaks;  ///< at most one for each arithmetic; without BF16 products there is none for bf16
  ReadProbe read;
};
Probes available_probes();

}  // namespace sw
