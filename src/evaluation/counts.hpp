#pragma once

#include "evaluation/speed.hpp"

namespace sw {

/// Work as the machine is asked to do it: no clock is in it, so the same program, model and instruction set give the
/// same numbers on a busy machine, and a change of one of them is a change of the program.
struct WorkCounts {
  double bytes = 0;       ///< read and written: weights and state
  double operations = 0;  ///< multiplications and additions
  int ops = 0;            ///< ops started
  int passes = 0, tokens = 0;

  double bytes_per_token() const { return tokens > 0 ? bytes / tokens : 0; }
  double operations_per_token() const { return tokens > 0 ? operations / tokens : 0; }
  double ops_per_pass() const { return passes > 0 ? static_cast<double>(ops) / passes : 0; }
};

WorkCounts counts_of(const PhaseSpans& phase);

}  // namespace sw
