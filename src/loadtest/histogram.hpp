#pragma once

#include <cstdint>
#include <vector>

#include "measure/statistics.hpp"

namespace sw::loadtest {

/// Counts of durations in buckets whose width grows with the value (the idea of HdrHistogram): any number of samples in
/// bounded memory, every quantile within a fixed relative error.
class Histogram {
 public:
  /// A value is off by at most 2^-(precision_bits + 1) of itself.
  explicit Histogram(int precision_bits = 9) : bits_(precision_bits) {}

  /// A negative duration counts as 0.
  void add(std::int64_t ns);
  /// `other` must have the same precision.
  void merge(const Histogram& other);

  std::int64_t count() const { return count_; }
  /// These are 0 while it is empty.
  std::int64_t min_ns() const { return min_; }
  std::int64_t max_ns() const { return max_; }
  double mean_ns() const;

  /// The smallest value that at least the fraction q of the samples do not exceed.
  double quantile_ns(double q) const;
  /// The values between which the quantile of the population lies with 95 % probability: the order statistics that
  /// enclose a binomial count, by its normal approximation (Conover 1999, 3.2).
  Interval quantile_interval_ns(double q) const;
  /// Whether the tail beyond q holds at least one sample; with fewer the quantile is the maximum by another name.
  bool resolves(double q) const { return static_cast<double>(count_) * (1 - q) >= 1; }
  /// The fraction of samples ≤ ns, up to the precision.
  double fraction_within(std::int64_t ns) const;

 private:
  std::size_t bucket_of(std::uint64_t value) const;
  double middle_of(std::size_t bucket) const;
  double at_rank(std::int64_t rank) const;  // 1-based

  int bits_;
  std::vector<std::uint64_t> buckets_;  // as far as the largest sample
  std::int64_t count_ = 0, min_ = 0, max_ = 0;
  double sum_ = 0;
};

}  // namespace sw::loadtest
