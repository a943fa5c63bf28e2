#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace sw {

/// An http or https address, taken apart.
struct Url {
  bool tls = true;
  std::string host;  ///< without the brackets of an IPv6 address
  std::string port;
  std::string target;  ///< path and query, beginning with '/'

  static Result<Url> parse(std::string_view text);
  /// What a Location header found at this address means: an absolute address, or a path on the same host.
  Result<Url> resolve(std::string_view location) const;

  bool same_origin(const Url& other) const { return tls == other.tls && host == other.host && port == other.port; }
  std::string text() const;
};

/// `path` with everything but unreserved characters and '/' escaped.
std::string escape_path(std::string_view path);

}  // namespace sw
