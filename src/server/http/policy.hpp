#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>

#include "server/http/server_impl.hpp"

namespace sw::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

template <class T>
using Awaitable = asio::awaitable<T>;
inline constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

using ParsedRequest = beast::http::request<beast::http::string_body>;

/// Method, target and headers. The path is empty where the target is not one.
Request to_request(const ParsedRequest& parsed);

/// A request that may be read to its end and given to its route.
struct Entry {
  const Route* route = nullptr;
  Admission admission;
};
/// Decides by the header alone, so that nobody's body is read in vain. Sets the request's parameter.
std::expected<Entry, Response> enter(Server::Impl& server, const ParsedRequest& parsed, Request& request,
                                     const std::string& address);
/// The Origin of a page elsewhere that may read the answer; empty: none.
std::string allowed_origin(const Request& request, const ServerOptions& options);

/// How to answer what could not be parsed; nothing when the client is gone or took too long, which closes the socket.
std::optional<Response> refusal_of(const boost::system::error_code& error, const ServerOptions& options);
Response overloaded_response(std::string_view message);

/// Where and how the handler runs. What it throws becomes a 500.
void run_handler(Server::Impl& server, const Route& route, ExchangePtr exchange);

/// How a client knows where the body ends.
struct Framing {
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::size_t> length = {};
};
std::string write_head(const Response& response, const Framing& framing, const std::string& date,
                       const std::string& origin);
void append_chunk(std::string& out, std::string_view bytes, bool chunked);

/// A request's share of the memory for bodies.
class BodyReservation {
 public:
  BodyReservation(Server::Impl& server, std::size_t bytes);
  ~BodyReservation();
  BodyReservation(const BodyReservation&) = delete;
  BodyReservation& operator=(const BodyReservation&) = delete;
  bool granted() const { return granted_; }

 private:
  Server::Impl& server_;
  std::size_t bytes_;
  bool granted_;
};

}  // namespace sw::http
