#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace sw::game {

constexpr const char* player_cookie_name = "speedwins_player";

/// 32 random hexadecimal digits.
Result<std::string> random_id();

/// Names players by a random id and its HMAC-SHA256, so that nobody can choose somebody else's id.
class PlayerCookie {
 public:
  explicit PlayerCookie(std::string key) : key_(std::move(key)) {}

  /// "ID.HMAC", for the cookie's value.
  std::string sign(const std::string& player) const;
  /// The id, where the value is one that sign() gave. Takes the same time however wrong it is.
  std::optional<std::string> verify(std::string_view value) const;

 private:
  std::string key_;
};

}  // namespace sw::game
