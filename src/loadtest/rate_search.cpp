#include "loadtest/rate_search.hpp"

#include <algorithm>
#include <cmath>

namespace sw::loadtest {

std::optional<RateSearch::Step> RateSearch::next() const {
  if (confirmed_) return std::nullopt;
  if (low_ == 0 && high_ == 0) return Step{std::min(limits_.first, limits_.most), false};
  if (low_ == 0) {
    if (high_ < limits_.first / 1000) return std::nullopt;
    return Step{high_ / 2, false};
  }
  if (narrow() || low_ >= limits_.most) return Step{low_, true};
  if (high_ == 0) return Step{std::min(low_ * 2, limits_.most), false};
  return Step{std::sqrt(low_ * high_), false};
}

void RateSearch::tell(bool met) {
  const auto step = next();
  if (!step) return;
  if (met) {
    confirmed_ = step->confirms;
    low_ = step->rate;
  } else {
    high_ = step->rate;
    // A short run had met this rate by luck: what lies below is tried next.
    if (step->confirms) low_ = step->rate / (1 + limits_.precision);
  }
}

}  // namespace sw::loadtest
