// Micro-benchmarks beside the limits of the machine they run on.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "measure/machine_cache.hpp"
#include "ops/bench/limits.hpp"

namespace sw::bench {

const ThreadLimits& limits_of_one_thread() {
  static const MeasuredMachine measured = measured_machine("bench", false, [](std::string_view what) {
    std::fprintf(stderr, "Measuring this machine: %.*s\n", static_cast<int>(what.size()), what.data());
  });
  return measured.limits.at(1);
}

}  // namespace sw::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const sw::ThreadLimits& limits = sw::bench::limits_of_one_thread();
  const auto giga = [](double rate) { return rate > 0 ? std::to_string(static_cast<int>(rate)) : std::string("none"); };
  benchmark::AddCustomContext("limits of one thread, read from memory and from cache, GB/s",
                              giga(limits.memory_gb_s) + ", " + giga(limits.cache_gb_s));
  benchmark::AddCustomContext("limits of one thread, int8, BF16 and FP32 products, GOP/s",
                              giga(limits.int8_gop_s) + ", " + giga(limits.bf16_gop_s) + ", " + giga(limits.fp32_gop_s));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
