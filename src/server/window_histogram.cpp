#include "server/window_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace sw {
namespace {

constexpr double least = 1e-3, most = 1e6, ratio = 1.05;

}  // namespace

WindowHistogram::WindowHistogram() : ring_(std::make_unique<std::array<Second, seconds>>()) {}

int WindowHistogram::bucket_of(double value) {
  static const double scale = 1 / std::log(ratio);
  const double clamped = value >= least ? std::min(value, most) : least;
  return std::min(static_cast<int>(std::log(clamped / least) * scale), n_buckets - 1);
}

void WindowHistogram::add(double value, std::int64_t now) {
  Second& second = (*ring_)[static_cast<std::size_t>(now % seconds)];
  if (second.time != now) {
    second.time = now;
    second.counts.fill(0);
  }
  ++second.counts[static_cast<std::size_t>(bucket_of(value))];
}

WindowHistogram::Percentiles WindowHistogram::percentiles(std::int64_t now, int window) const {
  std::array<std::uint64_t, n_buckets> sums{};
  Percentiles result;
  for (const Second& second : *ring_) {
    if (second.time < 0 || second.time > now || second.time <= now - std::min(window, seconds)) continue;
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += second.counts[i];
  }
  for (const std::uint64_t count : sums) result.count += count;
  if (result.count == 0) return result;
  const auto quantile = [&](double q) {
    const double rank = q * static_cast<double>(result.count);
    double below = 0;
    std::size_t i = 0;
    while (i + 1 < sums.size() && below + static_cast<double>(sums[i]) < rank) below += static_cast<double>(sums[i++]);
    return least * std::pow(ratio, static_cast<double>(i) + 0.5);
  };
  result.p50 = quantile(0.5);
  result.p90 = quantile(0.9);
  result.p99 = quantile(0.99);
  return result;
}

}  // namespace sw
