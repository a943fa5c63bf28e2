#include "server/http/access.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sw::http {
namespace {

constexpr std::size_t max_idle_clients = 4096;

std::string_view bearer_of(const Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  std::string_view value = request.header("Authorization");
  if (value.size() <= scheme.size() || !equal_ignoring_case(value.substr(0, scheme.size()), scheme)) return {};
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

Response too_many(std::string_view message, double seconds) {
  Response response = error_response(429, message, "rate_limit_exceeded");
  response.headers.push_back({"Retry-After", std::to_string(std::max(1, static_cast<int>(std::ceil(seconds))))});
  return response;
}

}  // namespace

AccessControl::Hash AccessControl::hash_of(std::string_view secret) {
  Hash hash{};
  unsigned int size = 0;
  EVP_Digest(secret.data(), secret.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return hash;
}

AccessControl::AccessControl(std::vector<ApiKey> keys, Limits anonymous) : anonymous_(anonymous) {
  for (ApiKey& key : keys) {
    const Hash hash = hash_of(key.secret);
    keys_.push_back({std::move(key), hash});
  }
}

// Hashes of equal length are compared, all of them and to their end: the time says nothing about how much was right.
const ApiKey* AccessControl::find(std::string_view secret) const {
  const Hash hash = hash_of(secret);
  const ApiKey* found = nullptr;
  for (const Key& key : keys_)
    if (CRYPTO_memcmp(hash.data(), key.hash.data(), hash.size()) == 0) found = &key.key;
  return found;
}

void AccessControl::forget_idle(std::chrono::steady_clock::time_point now) {
  std::erase_if(usage_, [&](const auto& entry) {
    return entry.second->concurrent == 0 && now - entry.second->filled > std::chrono::minutes(1);
  });
}

std::expected<Admission, Response> AccessControl::admit(const Request& request, const std::string& address,
                                                        std::chrono::steady_clock::time_point now) {
  std::string client = address;
  Limits limits = anonymous_;
  if (needs_key()) {
    const std::string_view secret = bearer_of(request);
    const ApiKey* key = find(secret);
    if (!key) {
      Response refusal = error_response(
          401, secret.empty() ? "no API key: send the header 'Authorization: Bearer KEY'" : "this API key is not known",
          "invalid_api_key");
      refusal.headers.push_back({"WWW-Authenticate", "Bearer"});
      return std::unexpected(std::move(refusal));
    }
    client = key->name;
    limits = key->limits;
  }
  if (limits.requests_per_minute <= 0 && limits.concurrent <= 0) return Admission{std::move(client), nullptr};

  if (usage_.size() > max_idle_clients) forget_idle(now);
  auto& slot = usage_[client];
  if (!slot) slot = std::make_shared<Usage>();
  Usage& usage = *slot;
  if (limits.concurrent > 0 && usage.concurrent >= limits.concurrent)
    return std::unexpected(too_many("this client has as many requests in progress as it may have", 1));
  if (const double rate = limits.requests_per_minute; rate > 0) {
    const double most = std::max(rate, 1.0);
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - usage.filled).count();
    usage.tokens = usage.known ? std::min(most, usage.tokens + minutes * rate) : most;
    usage.filled = now;
    usage.known = true;
    if (usage.tokens < 1)
      return std::unexpected(too_many("this client has asked too often", (1 - usage.tokens) / rate * 60));
    usage.tokens -= 1;
  }
  usage.filled = now;
  ++usage.concurrent;
  return Admission{std::move(client), std::shared_ptr<void>(nullptr, [slot](void*) { --slot->concurrent; })};
}

}  // namespace sw::http
