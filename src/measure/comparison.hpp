#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "measure/statistics.hpp"

namespace sw {

/// Whether B differs from A, from pairs of times taken side by side in random order. What disturbs a machine for
/// longer than a pair disturbs both alike and leaves their ratio alone.
///
/// The pairs are looked at several times, at moments fixed beforehand, and each look may err only as often as its
/// share of the error allows (Bonferroni). So a comparison may end early without claiming more than it knows: of A
/// against A at most one in twenty is called a winner, however often it looks.
struct ComparisonOptions {
  double seconds = 60;         ///< time for all pairs
  double level = 0.95;         ///< that no winner is a false one
  double least_effect = 0.01;  ///< differences certainly smaller than this end it: they are of no interest
  int least_pairs = 12;
  int most_pairs = 4000;
  std::uint64_t seed = 1;
  int resamples = 2000;
};

enum class Outcome : std::uint8_t {
  b_faster,
  a_faster,
  same,       ///< any difference is certainly smaller than least_effect
  undecided,  ///< it cannot tell
};

/// times: milliseconds, the same work each.
struct ComparisonResult {
  Outcome outcome = Outcome::undecided;
  double ratio = 1;         ///< median of time A / time B: how many times faster B is
  Interval interval{1, 1};  ///< of the ratio, at the level of the last look
  double level = 0.95;      ///< that level
  double detectable = 0;    ///< the smallest relative difference this run would have found four times in five
  std::vector<double> a_ms, b_ms;
  double seconds = 0;
  bool interrupted = false;
};

/// Median and interval (the bootstrap's, and never narrower than the sign test's) of time A / time B at `level`, without a verdict: for metrics beside the deciding one.
struct Ratio {
  double value = 1;
  Interval interval{1, 1};
};
Ratio paired_ratio(std::span<const double> a, std::span<const double> b, double level, std::uint64_t seed = 1,
                   int resamples = 2000);

/// Of the ratio's interval.
Outcome outcome_of(const Interval& interval, double least_effect);

struct ComparisonHooks {
  std::function<void(const ComparisonResult&)> progress = {};  ///< after every pair; the interval is the last look's
  std::function<bool()> stop = {};
  std::function<double()> clock = {};  ///< seconds since any moment; a simulation hands in its own
};
using MeasureMs = std::function<Result<double>()>;  ///< one run of the work

/// Runs pairs of `a` and `b`, after each once to warm up, until it can tell, its time is over or `stop` says so.
Result<ComparisonResult> compare(const MeasureMs& a, const MeasureMs& b, const ComparisonOptions& options,
                                 const ComparisonHooks& hooks = {});

}  // namespace sw
