#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sw {

/// The clock of spans and of the passes they lie in. A decode step of a small model takes 75 µs and has fifty spans:
/// reading the system's clock for each would cost 2 % of it, the processor's counter of cycles a third of that.
class SpanClock {
 public:
  /// Nanoseconds since any moment. Before calibrate() this is the steady clock.
  static std::int64_t now() {
#if defined(__x86_64__)
    if (rate_.ns_per_tick > 0)
      return rate_.base_ns +
             static_cast<std::int64_t>(static_cast<double>(__rdtsc() - rate_.base_ticks) * rate_.ns_per_tick);
#endif
    return steady();
  }
  /// Measures the counter's rate, once in a program, in 2 ms; where it does not run at one rate, nothing changes. Not
  /// while another thread reads the clock.
  static void calibrate();

 private:
  struct Rate {
    double ns_per_tick;
    std::int64_t base_ns;
    std::uint64_t base_ticks;
  };
  static std::int64_t steady() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  static Rate measure();
  static inline Rate rate_{};  // all 0: not calibrated
};

}  // namespace sw
