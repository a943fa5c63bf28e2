#include "server/http/server.hpp"

#include <fmt/core.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <ctime>
#include <exception>
#include <utility>

#include "server/http/server_impl.hpp"

namespace sw::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), in English whatever the locale.
std::string http_date() {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string address_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? std::string() : endpoint.address().to_string();
}

asio::awaitable<void> accept(Server::Impl& server) {
  asio::steady_timer pause(server.io);
  for (;;) {
    auto [error, socket] = co_await server.acceptor.async_accept(use_tuple);
    if (error == asio::error::operation_aborted || !server.acceptor.is_open()) co_return;
    if (error) {  // out of file descriptors, most likely: others must close first
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(use_tuple);
      continue;
    }
    if (server.connections.size() >= server.options.max_connections) continue;  // closes it
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::string address = address_of(socket);
    if (server.tls)
      serve_tls(server, std::move(socket), std::move(address));
    else
      serve_plain(server, std::move(socket), std::move(address));
  }
}

asio::awaitable<void> tick(Server::Impl& server) {
  while (!server.finishing) {  // finish() may have come before run()
    server.date = http_date();
    if (server.options.on_tick) server.options.on_tick();
    server.ticker.expires_after(std::chrono::seconds(1));
    auto [error] = co_await server.ticker.async_wait(use_tuple);
    if (error) co_return;
  }
}

asio::awaitable<void> wait_for_signals(Server::Impl& server) {
  for (bool first = true; !server.finishing; first = false) {
    auto [error, signal] = co_await server.signals.async_wait(use_tuple);
    if (error) co_return;
    if (!first) {
      std::signal(signal, SIG_DFL);
      std::raise(signal);
    }
    server.options.on_terminate();
  }
}

void cut_all(Server::Impl& server) {
  for (Connection* connection : server.connections) connection->close_socket();
}

Status listen(Server::Impl& server) {
  const ServerOptions& options = server.options;
  const std::string where = fmt::format("{}:{}", options.host, options.port);
  boost::system::error_code error;
  tcp::resolver resolver(server.io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty())
    return fail("no such address: " + error.message(), where, "an address of this machine", "Try --host 127.0.0.1");
  const tcp::endpoint endpoint = *found.begin();
  server.acceptor.open(endpoint.protocol(), error);
  if (!error) server.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) server.acceptor.bind(endpoint, error);
  if (!error) server.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail("cannot listen: " + error.message(), where, "a free port",
                "End the program that uses it, or choose another with --port");
  server.port = server.acceptor.local_endpoint().port();
  return {};
}

Status read_certificate(Server::Impl& server) {
  const ServerOptions& options = server.options;
  if (options.tls_certificate.empty() && options.tls_key.empty()) return {};
  if (options.tls_certificate.empty() || options.tls_key.empty())
    return fail("TLS needs a certificate and its key", "server options", "both --tls-cert and --tls-key");
  auto& context = server.tls.emplace(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);  // streams that rest hold no buffers
  boost::system::error_code error;
  context.use_certificate_chain_file(options.tls_certificate, error);
  if (error)
    return fail("cannot read the certificate: " + error.message(), options.tls_certificate,
                "a PEM file with its chain");
  context.use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
  if (error) return fail("cannot read the key: " + error.message(), options.tls_key, "the certificate's key, as PEM");
  return {};
}

}  // namespace

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Router router) {
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->router = std::move(router);
  SW_TRY(read_certificate(*impl));
  SW_TRY(listen(*impl));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
  return impl_->port;
}

std::string Server::address() const {
  const std::string& host = impl_->options.host;
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", impl_->tls ? "https" : "http", v6 ? "[" + host + "]" : host, impl_->port);
}

int Server::connections() const {
  return impl_->n_connections.load(std::memory_order_relaxed);
}

void Server::run() {
  Impl& server = *impl_;
  if (server.options.on_terminate) {
    boost::system::error_code ignored;
    server.signals.add(SIGINT, ignored);
    server.signals.add(SIGTERM, ignored);
    asio::co_spawn(server.io, wait_for_signals(server), asio::detached);
  }
  asio::co_spawn(server.io, tick(server), asio::detached);
  asio::co_spawn(server.io, accept(server), asio::detached);
  server.io.run();
  server.workers.join();
}

void Server::post(std::function<void()> f) {
  asio::post(impl_->io, std::move(f));
}

void Server::work(std::function<void()> f) {
  asio::post(impl_->workers, std::move(f));
}

void Server::finish(std::chrono::milliseconds limit) {
  asio::post(impl_->io, [this, limit] {
    Impl& server = *impl_;
    if (std::exchange(server.finishing, true)) return;
    boost::system::error_code ignored;
    server.acceptor.close(ignored);
    server.ticker.cancel();
    server.signals.clear(ignored);  // one more signal ends the process
    server.signals.cancel(ignored);
    for (Connection* connection : server.connections)
      if (connection->resting) connection->close_socket();
    server.limit.expires_after(limit);
    server.limit.async_wait([&server](const boost::system::error_code& error) {
      if (!error) cut_all(server);
    });
    if (server.connections.empty()) server.limit.cancel();
  });
}

}  // namespace sw::http
