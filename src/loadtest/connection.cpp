#include "loadtest/connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

namespace sw::loadtest {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Tls = beast::ssl_stream<beast::tcp_stream>;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

/// What had not happened when the time was over.
std::string missing(FailureKind during) {
  switch (during) {
    case FailureKind::connect:
      return "no connection in time";
    case FailureKind::tls:
      return "no TLS session in time";
    case FailureKind::truncated:
      return "the answer had begun, but did not end in time";
    default:
      return "no answer had begun in time";
  }
}

/// A timeout is one wherever it strikes; everything else is what was going on.
std::unexpected<Failure> failure(FailureKind during, const boost::system::error_code& error) {
  if (error == beast::error::timeout) return std::unexpected(Failure{FailureKind::timeout, missing(during)});
  if (during == FailureKind::not_openai) return std::unexpected(Failure{during, "no HTTP answer: " + error.message()});
  return std::unexpected(Failure{during, error.message()});
}

template <class Stream>
asio::awaitable<Connection::Outcome> exchange_on(Stream& stream, beast::flat_buffer& buffer, const std::string& request,
                                                 Answer& answer, const Endpoint& endpoint, bool& keep) {
  auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(request), use_tuple);
  if (write_error) co_return failure(FailureKind::reset, write_error);

  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  parser.header_limit(1 << 16);
  auto [header_error, header_bytes] = co_await http::async_read_header(stream, buffer, parser, use_tuple);
  if (header_error) {
    // Bytes that are no HTTP are another failure than no bytes.
    const bool is_http_error = header_error.category() == make_error_code(http::error::bad_version).category();
    const bool ended = header_error == http::error::end_of_stream || header_error == http::error::partial_message;
    co_return failure(is_http_error && !ended ? FailureKind::not_openai : FailureKind::reset, header_error);
  }
  const auto& header = parser.get();
  const std::string_view content_type(header[http::field::content_type].data(),
                                      header[http::field::content_type].size());
  if (auto status = answer.on_header(static_cast<int>(header.result_int()), content_type); !status) co_return status;

  std::array<char, 1 << 14> chunk;
  while (!parser.is_done()) {
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    auto [error, bytes] = co_await http::async_read_some(stream, buffer, parser, use_tuple);
    const std::string_view received(chunk.data(), chunk.size() - parser.get().body().size);
    if (auto status = answer.on_body(received, endpoint.now_ns()); !status) co_return status;
    if (error && error != http::error::need_buffer) co_return failure(FailureKind::truncated, error);
  }
  keep = parser.get().keep_alive();
  co_return answer.finish(endpoint.now_ns());
}

}  // namespace

struct Connection::Impl {
  asio::io_context& io;
  const Endpoint& endpoint;
  beast::flat_buffer buffer;
  std::optional<beast::tcp_stream> tcp;
  std::optional<Tls> tls;

  beast::tcp_stream& lowest() { return tls ? beast::get_lowest_layer(*tls) : *tcp; }
};

Connection::Connection(asio::io_context& io, const Endpoint& endpoint)
    : impl_(std::make_unique<Impl>(Impl{io, endpoint, {}, {}, {}})) {}
Connection::~Connection() = default;

bool Connection::is_open() const {
  return (impl_->tcp || impl_->tls) && impl_->lowest().socket().is_open();
}

void Connection::close() {
  if (!impl_->tcp && !impl_->tls) return;
  boost::system::error_code ignored;
  impl_->lowest().socket().close(ignored);
}

asio::awaitable<Connection::Outcome> Connection::open(Deadline deadline) {
  Impl& impl = *impl_;
  impl.tcp.reset();
  impl.tls.reset();
  impl.buffer.clear();
  if (impl.endpoint.tls)
    impl.tls.emplace(beast::tcp_stream(impl.io), *impl.endpoint.tls);
  else
    impl.tcp.emplace(impl.io);
  impl.lowest().expires_at(deadline);
  auto [error, address] = co_await impl.lowest().async_connect(impl.endpoint.addresses, use_tuple);
  if (error) {
    close();
    co_return failure(FailureKind::connect, error);
  }
  boost::system::error_code ignored;
  impl.lowest().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!impl.tls) co_return Outcome{};

  impl.tls->set_verify_callback(asio::ssl::host_name_verification(impl.endpoint.host));
  SSL_set_tlsext_host_name(impl.tls->native_handle(), impl.endpoint.host.c_str());
  auto [tls_error] = co_await impl.tls->async_handshake(asio::ssl::stream_base::client, use_tuple);
  if (tls_error) {
    close();
    co_return failure(FailureKind::tls, tls_error);
  }
  co_return Outcome{};
}

asio::awaitable<Connection::Outcome> Connection::exchange(const std::string& request, Answer& answer,
                                                          Deadline deadline) {
  Impl& impl = *impl_;
  impl.lowest().expires_at(deadline);
  bool keep = false;
  Outcome outcome;
  if (impl.tls)
    outcome = co_await exchange_on(*impl.tls, impl.buffer, request, answer, impl.endpoint, keep);
  else
    outcome = co_await exchange_on(*impl.tcp, impl.buffer, request, answer, impl.endpoint, keep);
  if (keep)
    impl.lowest().expires_never();
  else
    close();
  co_return outcome;
}

}  // namespace sw::loadtest
