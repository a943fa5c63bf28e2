#include "game/player_cookie.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>

namespace sw::game {
namespace {

constexpr std::size_t id_bytes = 16, mac_bytes = 32;

std::string hex(std::span<const unsigned char> bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace

Result<std::string> random_id() {
  unsigned char bytes[id_bytes];
  if (RAND_bytes(bytes, id_bytes) != 1) return fail("the system gives no random numbers", "OpenSSL");
  return hex(bytes);
}

std::string PlayerCookie::sign(const std::string& player) const {
  const std::string message = "speedwins-player:" + player;
  unsigned char mac[mac_bytes] = {};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), mac, &size);
  return player + '.' + hex(mac);
}

std::optional<std::string> PlayerCookie::verify(std::string_view value) const {
  if (value.size() != 2 * (id_bytes + mac_bytes) + 1 || value[2 * id_bytes] != '.') return std::nullopt;
  std::string player(value.substr(0, 2 * id_bytes));
  if (player.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  const std::string right = sign(player);
  if (CRYPTO_memcmp(right.data(), value.data(), right.size()) != 0) return std::nullopt;
  return player;
}

}  // namespace sw::game
