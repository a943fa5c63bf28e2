#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measure/machine.hpp"
#include "measure/spans.hpp"

namespace sw {

/// Rates one number of threads reaches together. 0: not measured.
struct ThreadLimits {
  int threads = 0;
  double memory_gb_s = 0;  ///< reading far more than the caches hold
  double cache_gb_s = 0;   ///< reading what fits half of the last-level cache
  double int8_gop_s = 0, bf16_gop_s = 0, fp32_gop_s = 0;
  double barrier_us = 0;  ///< one empty job of the thread pool

  double peak_gop_s(Arithmetic arithmetic) const;
};

/// How long one load waits for the one before it.
struct LatencyLimit {
  std::string level;  ///< "L1", "L2", "memory"
  std::int64_t working_set = 0;
  double ns = 0;
};

/// What this machine can do at best: every later figure is a fraction of these.
struct Limits {
  std::string int8_instruction, bf16_instruction, fp32_instruction;  ///< empty: none
  std::vector<ThreadLimits> by_threads;                              ///< ascending threads
  std::vector<LatencyLimit> latency;
  double load_average = 0;  ///< of the last minute, when the measurement began: what others did meanwhile

  /// The measured row nearest to `threads` from above, else the last. by_threads must not be empty.
  const ThreadLimits& at(int threads) const;
};

/// Powers of two up to `most`, and `most` itself.
std::vector<int> thread_counts(int most);

/// Best of several short repetitions of each; a few seconds on a laptop. `progress` hears what is measured.
Limits measure_limits(const Machine& machine, const std::function<void(std::string_view)>& progress);

}  // namespace sw
