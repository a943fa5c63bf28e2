#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/http/message.hpp"

namespace sw::http {

/// How much one client may ask; 0: no limit.
struct Limits {
  double requests_per_minute = 0;  ///< on average; as many at once after a minute's rest
  int concurrent = 0;              ///< requests in progress
};

struct ApiKey {
  std::string name;    ///< appears in logs and limits, the secret never does
  std::string secret;  ///< what the client sends
  Limits limits;
};

/// Held while a request is in progress.
struct Admission {
  std::string client;
  std::shared_ptr<void> ticket;  ///< gives the client's place back
};

/// Who may ask, and how much. Used by one thread.
class AccessControl {
 public:
  /// Without keys anyone may ask, and `anonymous` limits each address.
  AccessControl(std::vector<ApiKey> keys, Limits anonymous);

  /// The client of a request, or the 401 or 429 it is answered with. `now` is given so that limits can be tested.
  std::expected<Admission, Response> admit(const Request& request, const std::string& address,
                                           std::chrono::steady_clock::time_point now);
  bool needs_key() const { return !keys_.empty(); }

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Key {
    ApiKey key;
    Hash hash;
  };
  struct Usage {
    double tokens = 0;  ///< of the bucket that fills with requests_per_minute
    std::chrono::steady_clock::time_point filled{};
    bool known = false;
    int concurrent = 0;
  };
  const ApiKey* find(std::string_view secret) const;
  void forget_idle(std::chrono::steady_clock::time_point now);
  static Hash hash_of(std::string_view secret);

  std::vector<Key> keys_;
  Limits anonymous_;
  std::unordered_map<std::string, std::shared_ptr<Usage>> usage_;
};

}  // namespace sw::http
