#pragma once

#include <optional>
#include <vector>

namespace sw::loadtest {

/// Looks for the highest rate at which a server still meets its target, taking that it meets every lower one: doubles
/// until it fails, halves the interval (of logarithms) until it is narrow, then has the answer confirmed by a longer
/// run, since a short one may have been lucky.
class RateSearch {
 public:
  struct Limits {
    double first = 1;         ///< where to begin, requests per second
    double most = 1e6;        ///< never beyond
    double precision = 0.05;  ///< how far the answer may be below the true one
  };
  struct Step {
    double rate = 0;
    bool confirms = false;  ///< to be run longer
  };

  explicit RateSearch(const Limits& limits) : limits_(limits), low_(0), high_(0) {}

  /// What to try; nothing when the answer is known.
  std::optional<Step> next() const;
  /// How the last step went.
  void tell(bool met);
  /// 0: not even a thousandth of the first rate met the target, or nothing was tried yet.
  double answer() const { return low_; }

 private:
  bool narrow() const { return high_ > 0 && low_ > 0 && high_ <= low_ * (1 + limits_.precision); }

  Limits limits_;
  double low_, high_;  // met, not met; 0: unknown
  bool confirmed_ = false;
};

}  // namespace sw::loadtest
