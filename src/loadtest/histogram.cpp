#include "loadtest/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sw::loadtest {

// Values below 2^bits have a bucket each. Above, every power of two is cut into 2^bits buckets of equal width.
std::size_t Histogram::bucket_of(std::uint64_t value) const {
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - bits_;
  if (shift <= 0) return value;
  return (static_cast<std::size_t>(shift) << bits_) + (value >> shift);
}

double Histogram::middle_of(std::size_t bucket) const {
  const std::size_t per_power = std::size_t{1} << bits_;
  if (bucket < 2 * per_power) return static_cast<double>(bucket);
  const auto shift = static_cast<int>(bucket >> bits_) - 1;
  const std::size_t mantissa = (bucket & (per_power - 1)) + per_power;
  return std::ldexp(static_cast<double>(mantissa) + 0.5, shift);
}

void Histogram::add(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  const std::size_t bucket = bucket_of(static_cast<std::uint64_t>(ns));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  min_ = count_ == 0 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
  sum_ += static_cast<double>(ns);
  ++count_;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (buckets_.size() < other.buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  count_ += other.count_;
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

double Histogram::at_rank(std::int64_t rank) const {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= static_cast<std::uint64_t>(rank))
      return std::clamp(middle_of(i), static_cast<double>(min_), static_cast<double>(max_));
  }
  return static_cast<double>(max_);
}

double Histogram::quantile_ns(double q) const {
  if (count_ == 0) return 0;
  return at_rank(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(q * static_cast<double>(count_)))));
}

Interval Histogram::quantile_interval_ns(double q) const {
  if (count_ == 0) return {};
  const auto n = static_cast<double>(count_);
  const double half = 1.96 * std::sqrt(n * q * (1 - q));
  const auto rank = [n](double r) { return static_cast<std::int64_t>(std::clamp(r, 1.0, n)); };
  return {at_rank(rank(std::floor(n * q - half))), at_rank(rank(std::ceil(n * q + half) + 1))};
}

double Histogram::fraction_within(std::int64_t ns) const {
  if (count_ == 0 || ns < 0) return 0;
  const std::size_t last = std::min(bucket_of(static_cast<std::uint64_t>(ns)) + 1, buckets_.size());
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < last; ++i) within += buckets_[i];
  return static_cast<double>(within) / static_cast<double>(count_);
}

}  // namespace sw::loadtest
