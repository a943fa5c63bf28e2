#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace sw {

/// Percentiles of what happened in the last minute or so, in bounded memory: each second counts its values in buckets
/// 5 % wide, so a percentile is right to 2.5 %. For values from 0.001 to 10⁶; others count as these.
class WindowHistogram {
 public:
  static constexpr int seconds = 64;

  WindowHistogram();

  /// `now`: seconds of any clock that does not go back.
  void add(double value, std::int64_t now);

  struct Percentiles {
    std::uint64_t count = 0;
    std::optional<double> p50, p90, p99;  ///< none without values
  };
  /// Of the last `window` seconds, at most `seconds`.
  Percentiles percentiles(std::int64_t now, int window) const;

 private:
  static constexpr int n_buckets = 426;  // log(10⁹) / log(1.05), and one
  struct Second {
    std::int64_t time = -1;
    std::array<std::uint32_t, n_buckets> counts{};
  };
  static int bucket_of(double value);

  std::unique_ptr<std::array<Second, seconds>> ring_;
};

}  // namespace sw
