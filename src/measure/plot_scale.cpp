#include "measure/plot_scale.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace sw::report {
namespace {

/// 1, 2 or 5 times a power of ten, not below `step`.
double round_up(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

}  // namespace

Scale::Scale(std::span<const double> values, const Axis& axis) : logarithmic_(axis.logarithmic), counts_(axis.counts) {
  bool any = false;
  for (const double value : values) {
    if (!has(value)) continue;
    low_ = any ? std::min(low_, value) : value;
    high_ = any ? std::max(high_, value) : value;
    any = true;
  }
  if (!any) {
    low_ = 1;
    high_ = 10;
  }
  if (logarithmic_) {
    const double air = std::clamp(std::pow(high_ / low_, 0.1), 1.1, 1.6);
    low_ /= air;
    high_ *= air;
    return;
  }
  if (!counts_ && low_ > 0 && low_ < high_ / 2) low_ = 0;
  if (high_ < 0 && high_ > low_ / 2) high_ = 0;
  const double span = high_ - low_;
  const double air = span > 0 ? span * 0.05 : std::max(std::abs(high_) * 0.1, 1e-9);
  if (low_ != 0) low_ -= air;
  if (high_ != 0) high_ += air;
  if (!(high_ > low_)) high_ = low_ + 1;
}

bool Scale::has(double value) const {
  return std::isfinite(value) && (!logarithmic_ || value > 0);
}

double Scale::at(double value) const {
  if (logarithmic_) return (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_));
  return (value - low_) / (high_ - low_);
}

std::vector<double> Scale::ticks(int wanted) const {
  std::vector<double> ticks;
  // Within a factor of five, 1, 2 and 5 are too few: steps of one size then say more.
  if (const double decades = logarithmic_ ? std::log10(high_ / low_) : 0; decades > std::log10(5.0)) {
    const bool fine = decades <= wanted / 2.0;
    const int stride = std::max(1, static_cast<int>(std::ceil(decades / std::max(1, wanted))));
    const int first = static_cast<int>(std::floor(std::log10(low_)));
    for (int exponent = first; exponent <= first + static_cast<int>(decades) + 2; ++exponent) {
      if ((exponent - first) % stride != 0) continue;
      for (const double factor : {1.0, 2.0, 5.0})
        if (const double tick = factor * std::pow(10.0, exponent);
            (fine || factor == 1.0) && tick >= low_ && tick <= high_)
          ticks.push_back(tick);
    }
    return ticks;
  }
  const double fine_step = round_up((high_ - low_) / std::max(1, wanted));
  const double step = counts_ ? std::max(1.0, fine_step) : fine_step;
  const double first = std::ceil(low_ / step - 1e-9);
  for (int i = 0; i <= 2 * wanted + 2; ++i) {
    const double tick = (first + i) * step;
    if (tick > high_ + step * 1e-9) break;
    ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return ticks;
}

std::string show_tick(double value) {
  return fmt::format("{:g}", value);
}

Scales scales_of(const Plot& plot) {
  std::vector<double> x, y;
  for (const Series& series : plot.series)
    for (const Point& point : series.points) {
      x.push_back(point.x);
      y.push_back(point.y);
      if (point.low != point.high) y.insert(y.end(), {point.low, point.high});
    }
  return {Scale(x, plot.x), Scale(y, plot.y)};
}

}  // namespace sw::report
