#include "server/http/router.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sw::http {
namespace {

bool is_literal(const Route& route) {
  return !route.pattern.ends_with('}');
}

/// What the pattern's parameter stands for in `path`; nothing where the path does not match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('}')) return pattern == path ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view prefix = pattern.substr(0, pattern.rfind('{'));
  if (!path.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = path.substr(prefix.size());
  if (pattern.ends_with("...}")) return rest;
  if (rest.empty() || rest.find('/') != std::string_view::npos) return std::nullopt;
  return rest;
}

}  // namespace

void Router::add(Route route) {
  const auto position =
      is_literal(route) ? std::find_if_not(routes_.begin(), routes_.end(), is_literal) : routes_.end();
  routes_.insert(position, std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match result;
  for (const Route& route : routes_) {
    const auto parameter = match(route.pattern, path);
    if (!parameter) continue;
    // The catch-all of everything does not hide that a path takes other methods, nor says that every path takes its
    // own.
    const bool everything = match(route.pattern, "/") && route.pattern.ends_with("...}");
    if (everything && !result.allowed.empty()) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) return {&route, *parameter, {}};
    if (everything) continue;
    if (!result.allowed.empty()) result.allowed += ", ";
    result.allowed += route.method;
  }
  return result;
}

Handler answer_with(std::function<Response(const Request&)> f) {
  return [f = std::move(f)](ExchangePtr exchange) { exchange->respond(f(exchange->request())); };
}

}  // namespace sw::http
