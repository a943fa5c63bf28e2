#pragma once

#include <cstdint>
#include <span>

namespace sw {

/// Quantile q in [0, 1] with linear interpolation between order statistics (Hyndman & Fan 1996, type 7).
/// `values` must not be empty; they need not be sorted.
double quantile(std::span<const double> values, double q);
double median(std::span<const double> values);

struct Interval {
  double low = 0, high = 0;
  bool contains(double x) const { return low <= x && x <= high; }
};

struct BootstrapOptions {
  double level = 0.95;
  int resamples = 2000;
  std::uint64_t seed = 1;
};

/// Expanded percentile bootstrap (Hesterberg 2015): the interval that holds the median of the population with
/// probability `level`, less often below six values, whose whole range is no more certain. The same values, options and
/// order give the same interval everywhere.
Interval bootstrap_median(std::span<const double> values, const BootstrapOptions& options = {});

/// The interval between two values of the sample that holds the median of the population with probability `level` or
/// more, whatever its distribution: the sign test's (Thompson 1936). Coarser than the bootstrap's, but its level is a
/// fact. From the lowest to the highest value where there are too few for the level.
Interval sign_interval(std::span<const double> values, double level = 0.95);

/// The same as bootstrap_median() for median(numerator) / median(denominator) of two independent samples of positive values. For pairs
/// measured side by side, bootstrap_median of their ratios is narrower.
Interval bootstrap_ratio(std::span<const double> numerator, std::span<const double> denominator,
                         const BootstrapOptions& options = {});

/// The same for the mean of `values` weighted by `weights` (all equal where empty), resampling values with their
/// weights.
Interval bootstrap_mean(std::span<const double> values, std::span<const double> weights = {},
                        const BootstrapOptions& options = {});

/// The interval that holds a probability of which `successes` of `trials` were seen (Wilson 1927): right for few trials
/// and for shares near 0 and 1. [0, 1] without trials.
Interval wilson_interval(std::int64_t successes, std::int64_t trials, double level = 0.95);

/// The quantile q of the standard normal distribution.
double normal_quantile(double q);

}  // namespace sw
