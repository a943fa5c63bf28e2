#pragma once

#include <span>
#include <string>
#include <vector>

#include "measure/report.hpp"

namespace sw::report {

/// Maps the values of one axis to [0, 1], and says where its ticks are.
class Scale {
 public:
  /// Covers `values`; those a logarithmic axis has no place for (≤ 0) and those that are not finite are left out. A
  /// linear axis of values that are all positive begins at 0 where that costs less than half of it, unless it
  /// counts.
  Scale(std::span<const double> values, const Axis& axis);

  double at(double value) const;  ///< 0: the axis' beginning, 1: its end; outside for values beyond either
  bool has(double value) const;   ///< whether the axis has a place for `value`
  /// Round values inside the axis, ascending, about `wanted` of them.
  std::vector<double> ticks(int wanted) const;
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double low_ = 0, high_ = 1;
  bool logarithmic_, counts_;
};

/// A round value without zeros behind it: 0.5, 20, 1e+06.
std::string show_tick(double value);

/// The scales that hold every point of `plot` and its interval.
struct Scales {
  Scale x, y;
};
Scales scales_of(const Plot& plot);

}  // namespace sw::report
