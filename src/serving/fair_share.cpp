#include "serving/fair_share.hpp"

#include <algorithm>

namespace sw {

double FairShare::place(const std::string& client, double tokens) {
  double& last = last_[client];
  last = std::max(last, now_) + tokens;
  return last;
}

void FairShare::charge(const std::string& client, double tokens) {
  const auto found = last_.find(client);
  if (found != last_.end()) found->second = std::max(found->second, now_) + tokens;
}

void FairShare::started(double place) {
  now_ = std::max(now_, place);
  // Clients that are owed nothing are as good as unknown; names come from outside and must not pile up.
  std::erase_if(last_, [&](const auto& client) { return client.second <= now_; });
}

void FairShare::idle() {
  now_ = 0;
  last_.clear();
}

}  // namespace sw
