#include "server/http/policy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace sw::http {
namespace {

/// "example.org" of "example.org:8080", "::1" of "[::1]:8080".
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  return host.substr(0, host.find(':'));
}

bool is_address(std::string_view host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  return !error;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& known) { return known == "*" || equal_ignoring_case(known, name); });
}

bool knows_host(const Request& request, const Server::Impl& server) {
  if (server.access.needs_key()) return true;
  const std::string_view host = host_name(request.header("Host"));
  return host.empty() || equal_ignoring_case(host, "localhost") || is_address(host) ||
         equal_ignoring_case(host, server.options.host) || contains(server.options.names, host);
}

bool same_origin(const Request& request, std::string_view origin) {
  const auto scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos &&
         equal_ignoring_case(origin.substr(scheme_end + 3), request.header("Host"));
}

Response preflight() {
  Response response;
  response.status = 204;
  response.content_type.clear();
  response.headers = {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                      {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

bool is_json(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return equal_ignoring_case(content_type, "application/json");
}

Response not_found(const Request& request, const Router::Match& match) {
  if (match.allowed.empty())
    return error_response(404, fmt::format("there is nothing at {} {}", request.method, request.path), "not_found");
  Response response = error_response(
      405, fmt::format("{} takes {}, not {}", request.path, match.allowed, request.method), "method_not_allowed");
  response.headers.push_back({"Allow", match.allowed});
  return response;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  std::copy_if(value.begin(), value.end(), std::back_inserter(out), [](char c) { return c != '\r' && c != '\n'; });
  out += "\r\n";
}

void call(const Route& route, const ExchangePtr& exchange) {
  try {
    route.handler(exchange);
  } catch (const std::bad_alloc&) {
    exchange->respond(error_response(503, "not enough memory for this request"));
  } catch (const std::exception& exception) {
    exchange->respond(error_response(500, exception.what()));
  }
}

}  // namespace

Request to_request(const ParsedRequest& parsed) {
  Request request;
  request.method = std::string(parsed.method_string());
  if (!parse_target({parsed.target().data(), parsed.target().size()}, request.path, request.query))
    request.path.clear();
  for (const auto& field : parsed)
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  return request;
}

std::string allowed_origin(const Request& request, const ServerOptions& options) {
  const std::string_view origin = request.header("Origin");
  return !origin.empty() && contains(options.origins, origin) ? std::string(origin) : std::string();
}

std::expected<Entry, Response> enter(Server::Impl& server, const ParsedRequest& parsed, Request& request,
                                     const std::string& address) {
  const ServerOptions& options = server.options;
  const auto refuse = [](Response response) { return std::unexpected(std::move(response)); };
  if (parsed.target().size() > options.max_target)
    return refuse(error_response(414, fmt::format("the URL is longer than {} bytes", options.max_target)));
  if (request.path.empty()) return refuse(error_response(400, "the request's target is not a path"));
  if (!knows_host(request, server))
    return refuse(error_response(403, "this server does not go by the name of the Host header; --name adds one"));
  if (const auto origin = request.header("Origin"); !origin.empty() && !same_origin(request, origin)) {
    const bool allowed = contains(options.origins, origin);
    if (request.method == "OPTIONS" && allowed) return refuse(preflight());
    if (!allowed && request.method != "GET" && request.method != "HEAD")
      return refuse(error_response(403, "pages of other sites may not ask here; --cors ORIGIN allows one"));
  }

  const Router::Match match = server.router.find(request.method, request.path);
  if (!match.route) return refuse(not_found(request, match));
  request.parameter = std::string(match.parameter);
  if (request.method == "POST" && !is_json(request.header("Content-Type")))
    return refuse(error_response(415, "the body must be JSON, with the header 'Content-Type: application/json'"));
  // Beast counts the limit of bodies on its own; knowing it here answers before anything is sent.
  Entry entry{match.route, {address, nullptr}};
  if (match.route->access == Access::key) {
    auto admission = server.access.admit(request, address, std::chrono::steady_clock::now());
    if (!admission) return refuse(std::move(admission.error()));
    entry.admission = std::move(*admission);
  }
  return entry;
}

std::optional<Response> refusal_of(const boost::system::error_code& error, const ServerOptions& options) {
  namespace http = beast::http;
  if (error == http::error::header_limit)
    return error_response(431, fmt::format("the request's header is longer than {} bytes", options.max_headers));
  if (error == http::error::body_limit)
    return error_response(413, fmt::format("the request's body is larger than {} bytes", options.max_body));
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != http::make_error_code(http::error::bad_method).category())
    return std::nullopt;
  return error_response(400, "this is not HTTP/1.1: " + error.message());
}

Response overloaded_response(std::string_view message) {
  Response response = error_response(503, message, "overloaded");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

void run_handler(Server::Impl& server, const Route& route, ExchangePtr exchange) {
  if (route.where == Where::io)
    call(route, exchange);
  else
    asio::post(server.workers, [&route, exchange = std::move(exchange)] { call(route, exchange); });
}

std::string write_head(const Response& response, const Framing& framing, const std::string& date,
                       const std::string& origin) {
  std::string out;
  out.reserve(512);
  out += fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  append_field(out, "Date", date);
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  if (framing.length && response.status != 204 && response.status != 304)
    append_field(out, "Content-Length", std::to_string(*framing.length));
  if (framing.chunked) append_field(out, "Transfer-Encoding", "chunked");
  if (!framing.keep_alive) append_field(out, "Connection", "close");
  if (!origin.empty()) {
    append_field(out, "Access-Control-Allow-Origin", origin);
    append_field(out, "Access-Control-Expose-Headers", "Server-Timing, X-Request-Id, Retry-After");
    append_field(out, "Vary", "Origin");
  }
  append_field(out, "X-Content-Type-Options", "nosniff");
  for (const Field& field : response.headers) append_field(out, field.name, field.value);
  out += "\r\n";
  return out;
}

void append_chunk(std::string& out, std::string_view bytes, bool chunked) {
  if (!chunked) {
    out += bytes;
    return;
  }
  out += fmt::format("{:x}\r\n", bytes.size());
  out += bytes;
  out += "\r\n";
}

BodyReservation::BodyReservation(Server::Impl& server, std::size_t bytes) : server_(server), bytes_(bytes) {
  granted_ = server.body_bytes + bytes <= server.options.max_bodies;
  if (granted_) server.body_bytes += bytes;
}

BodyReservation::~BodyReservation() {
  if (granted_) server_.body_bytes -= bytes_;
}

}  // namespace sw::http
