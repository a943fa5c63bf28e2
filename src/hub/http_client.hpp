#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "hub/url.hpp"

namespace sw {

struct HttpRequest {
  Url url;
  std::string token;                               ///< sent as a bearer token, to the host of `url` only; empty: none
  std::uint64_t offset = 0;                        ///< bytes of the body not wanted again
  std::chrono::milliseconds stall_timeout{30000};  ///< without progress
};

/// The answer's header, after redirects.
struct HttpHeader {
  int status = 0;
  std::uint64_t offset = 0;             ///< where in the file the body begins
  std::optional<std::uint64_t> length;  ///< of the body
  std::string link;                     ///< the Link header
};

/// Receives an answer. An Error from either ends the request with that error.
struct HttpSink {
  std::function<Status(const HttpHeader&)> on_header;  ///< called once, before the body
  std::function<Status(std::string_view)> on_body;
};

/// One GET over HTTP/1.1, with TLS for https addresses (certificates checked against the system's roots). Follows
/// redirects, not from https to http. A body cut short is an Error; a status such as 404 is not.
Result<HttpHeader> http_get(const HttpRequest& request, const HttpSink& sink);

}  // namespace sw
