#include "game/rate_limit.hpp"

#include <algorithm>

namespace sw::game {

bool RateLimit::allow(const std::string& client, double now) {
  const std::scoped_lock lock(mutex_);
  if (buckets_.size() >= forget_at_) forget_idle(now);
  Bucket& bucket = buckets_.try_emplace(client, Bucket{burst_, now}).first->second;
  bucket.tokens = std::min(burst_, bucket.tokens + (now - bucket.at) * per_second_);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/// A full bucket is as good as none.
void RateLimit::forget_idle(double now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.tokens + (now - entry.second.at) * per_second_ >= burst_;
  });
  forget_at_ = std::max<std::size_t>(1024, 2 * buckets_.size());
}

}  // namespace sw::game
