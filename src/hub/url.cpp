#include "hub/url.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sw {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_printable(char c) {
  return c > ' ' && c < '\x7f';
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const auto refuse = [text] { return fail("is no web address", std::string(text), "https://host/path"); };
  if (!std::ranges::all_of(text, is_printable)) return refuse();
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    url.tls = false;
    rest.remove_prefix(7);
  } else {
    return refuse();
  }
  const std::size_t host_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, host_end);
  std::string_view target = rest.substr(host_end);
  target = target.substr(0, target.find('#'));
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);

  if (authority.find('@') != authority.npos) return refuse();  // credentials do not belong into addresses
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == authority.npos) return refuse();
    url.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return refuse();
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  if (url.host.empty() || port.size() > 5 || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
    return refuse();
  url.port = port.empty() ? (url.tls ? "443" : "80") : std::string(port);
  return url;
}

Result<Url> Url::resolve(std::string_view location) const {
  if (location.starts_with("//")) return parse((tls ? "https:" : "http:") + std::string(location));
  if (location.starts_with('/')) {
    Url url = *this;
    url.target = location.substr(0, location.find('#'));
    if (!std::ranges::all_of(url.target, is_printable))
      return fail("redirects to an address with odd characters", text());
    return url;
  }
  return parse(location);
}

std::string Url::text() const {
  const bool usual_port = port == (tls ? "443" : "80");
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}{}{}{}", tls ? "https" : "http", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                     usual_port ? "" : ":", usual_port ? "" : port, target);
}

std::string escape_path(std::string_view path) {
  std::string escaped;
  for (char c : path) {
    if (is_alphanumeric(c) || std::string_view("/-._~").find(c) != std::string_view::npos)
      escaped += c;
    else
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return escaped;
}

}  // namespace sw
