#include "hub/http_client.hpp"

#include <fmt/core.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <exception>

namespace sw {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr int max_redirects = 8;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

std::unexpected<Error> network_error(const char* what, const Url& url, const boost::system::error_code& error) {
  return fail(fmt::format("{}: {}", what, error.message()), url.text(), {}, "Check the connection and try again");
}

http::request<http::empty_body> to_message(const HttpRequest& request, const Url& url, bool with_token) {
  http::request<http::empty_body> message{http::verb::get, url.target, 11};
  const bool usual_port = url.port == (url.tls ? "443" : "80");
  message.set(http::field::host, usual_port ? url.host : url.host + ":" + url.port);
  message.set(http::field::user_agent, "speedwins");
  message.set(http::field::accept_encoding, "identity");
  message.set(http::field::connection, "close");
  if (with_token && !request.token.empty()) message.set(http::field::authorization, "Bearer " + request.token);
  if (request.offset > 0) message.set(http::field::range, fmt::format("bytes={}-", request.offset));
  return message;
}

/// "bytes 100-199/200": where the part begins.
std::uint64_t range_begin(std::string_view content_range) {
  std::uint64_t begin = 0;
  if (content_range.starts_with("bytes ")) content_range.remove_prefix(6);
  std::from_chars(content_range.data(), content_range.data() + content_range.size(), begin);
  return begin;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// The end of one exchange: the final header, or where to go on.
struct Outcome {
  HttpHeader header;
  std::string location;
};

template <class Stream>
asio::awaitable<Result<Outcome>> exchange(Stream& stream, const HttpRequest& request, const Url& url, bool with_token,
                                          const HttpSink& sink) {
  const auto rearm = [&] { beast::get_lowest_layer(stream).expires_after(request.stall_timeout); };
  auto message = to_message(request, url, with_token);
  rearm();
  auto [write_error, written] = co_await http::async_write(stream, message, use_tuple);
  if (write_error) co_return network_error("cannot send the request", url, write_error);

  beast::flat_buffer buffer(1 << 17);
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  parser.header_limit(1 << 16);
  rearm();
  auto [header_error, header_bytes] = co_await http::async_read_header(stream, buffer, parser, use_tuple);
  if (header_error) co_return network_error("no answer", url, header_error);

  Outcome outcome;
  const auto& fields = parser.get();
  outcome.header.status = static_cast<int>(fields.result_int());
  if (is_redirect(outcome.header.status)) {
    outcome.location = std::string(fields[http::field::location]);
    co_return outcome;
  }
  if (outcome.header.status == 206) outcome.header.offset = range_begin(fields[http::field::content_range]);
  if (const auto length = parser.content_length()) outcome.header.length = *length;
  outcome.header.link = std::string(fields[http::field::link]);
  if (auto status = sink.on_header(outcome.header); !status) co_return std::unexpected(std::move(status).error());

  std::array<char, 1 << 16> chunk;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = chunk.data();
    body.size = chunk.size();
    rearm();
    auto [body_error, body_bytes] = co_await http::async_read_some(stream, buffer, parser, use_tuple);
    // What came before a broken connection counts: a download goes on after it.
    const std::size_t received = chunk.size() - parser.get().body().size;
    if (auto status = sink.on_body({chunk.data(), received}); !status)
      co_return std::unexpected(std::move(status).error());
    if (body_error && body_error != http::error::need_buffer)
      co_return network_error("the connection ended early", url, body_error);
  }
  co_return outcome;
}

asio::awaitable<Result<Outcome>> get_once(const HttpRequest& request, Url url, bool with_token, const HttpSink& sink) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  auto [resolve_error, endpoints] = co_await resolver.async_resolve(url.host, url.port, use_tuple);
  if (resolve_error) co_return network_error("cannot find the host", url, resolve_error);

  beast::tcp_stream tcp(executor);
  tcp.expires_after(request.stall_timeout);
  auto [connect_error, endpoint] = co_await tcp.async_connect(endpoints, use_tuple);
  if (connect_error) co_return network_error("cannot connect", url, connect_error);
  if (!url.tls) co_return co_await exchange(tcp, request, url, with_token, sink);

  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths();
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> tls(std::move(tcp), context);
  tls.set_verify_callback(asio::ssl::host_name_verification(url.host));
  SSL_set_tlsext_host_name(tls.native_handle(), url.host.c_str());
  beast::get_lowest_layer(tls).expires_after(request.stall_timeout);
  auto [handshake_error] = co_await tls.async_handshake(asio::ssl::stream_base::client, use_tuple);
  if (handshake_error) co_return network_error("cannot agree on TLS", url, handshake_error);
  co_return co_await exchange(tls, request, url, with_token, sink);
}

asio::awaitable<Result<HttpHeader>> get(const HttpRequest& request, const HttpSink& sink) {
  Url url = request.url;
  for (int hop = 0; hop <= max_redirects; ++hop) {
    auto outcome = co_await get_once(request, url, url.same_origin(request.url), sink);
    if (!outcome) co_return std::unexpected(std::move(outcome).error());
    if (!is_redirect(outcome->header.status)) co_return outcome->header;
    auto next = url.resolve(outcome->location);
    if (!next) co_return std::unexpected(std::move(next).error());
    if (url.tls && !next->tls) co_return fail("redirects from https to http", url.text(), "an https address");
    url = std::move(*next);
  }
  co_return fail("redirects without end", request.url.text(), fmt::format("at most {} redirects", max_redirects));
}

}  // namespace

Result<HttpHeader> http_get(const HttpRequest& request, const HttpSink& sink) {
  try {
    asio::io_context io;
    Result<HttpHeader> result = fail("was not answered", request.url.text());
    asio::co_spawn(io, get(request, sink), [&](std::exception_ptr exception, Result<HttpHeader> header) {
      if (exception) std::rethrow_exception(exception);
      result = std::move(header);
    });
    io.run();
    return result;
  } catch (const std::exception& exception) {
    return fail(exception.what(), request.url.text());
  }
}

}  // namespace sw
