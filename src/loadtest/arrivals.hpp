#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace sw::loadtest {

/// Requests come when they come, whether or not earlier ones were answered.
struct OpenLoop {
  double rate = 1;      ///< requests per second
  bool poisson = true;  ///< exponential gaps; otherwise equal ones
};
/// The instants of a recorded trace, in seconds from its beginning, in order.
struct Replay {
  std::vector<double> at_s;
};
/// So many users, each asking again as soon as it has its answer.
struct ClosedLoop {
  int users = 1;
};
using Workload = std::variant<OpenLoop, Replay, ClosedLoop>;

/// The instants of an open loop or a trace, one after the other, in seconds from the beginning. All threads of a test
/// walk the same sequence and take their share of it.
class Arrivals {
 public:
  /// Not for a ClosedLoop, which has no schedule. `workload` must outlive the object.
  Arrivals(const Workload& workload, std::uint64_t seed) : workload_(workload), seed_(seed) {}

  /// Nothing when a trace has ended.
  std::optional<double> next();

 private:
  const Workload& workload_;
  std::uint64_t seed_, index_ = 0;
  double now_s_ = 0;
};

}  // namespace sw::loadtest
