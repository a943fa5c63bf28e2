#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sw::game {

/// A token bucket for each of many clients: so many requests at once, and so many per second after that. Safe to use
/// from several threads.
class RateLimit {
 public:
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  /// Whether `client` may ask at `now` (seconds, never falling).
  bool allow(const std::string& client, double now);

 private:
  struct Bucket {
    double tokens, at;
  };
  void forget_idle(double now);

  const double per_second_, burst_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::size_t forget_at_ = 1024;  ///< number of buckets
};

}  // namespace sw::game
