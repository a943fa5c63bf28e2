#include "measure/span_clock.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sw {

SpanClock::Rate SpanClock::measure() {
  Rate rate{};
#if defined(__x86_64__)
  // "Invariant TSC": the counter runs at one rate whatever the core's frequency (AMD and Intel manuals, CPUID).
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & (1u << 8))) return rate;
  struct Moment {
    std::int64_t ns = 0;
    std::uint64_t ticks = 0;
  };
  // Of several readings, the one in which least happened between the two clocks.
  const auto moment = [] {
    Moment best;
    std::int64_t least = INT64_MAX;
    for (int i = 0; i < 20; ++i) {
      const std::int64_t before = steady();
      const std::uint64_t ticks = __rdtsc();
      const std::int64_t after = steady();
      if (after - before >= least) continue;
      least = after - before;
      best = {before + (after - before) / 2, ticks};
    }
    return best;
  };
  const Moment first = moment();
  while (steady() - first.ns < 2'000'000) continue;
  const Moment last = moment();
  if (last.ticks <= first.ticks) return rate;
  rate = {static_cast<double>(last.ns - first.ns) / static_cast<double>(last.ticks - first.ticks), last.ns, last.ticks};
#endif
  return rate;
}

void SpanClock::calibrate() {
  static const bool done = (rate_ = measure(), true);
  static_cast<void>(done);
}

}  // namespace sw
