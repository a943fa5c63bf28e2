#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "server/http/connection.hpp"

namespace sw::http {
namespace {

using TlsStream = beast::ssl_stream<beast::tcp_stream>;

Awaitable<void> talk_over_tls(std::shared_ptr<Talk<TlsStream>> talk, std::chrono::milliseconds timeout) {
  talk->expire_after(timeout);
  auto [error] = co_await talk->stream().async_handshake(asio::ssl::stream_base::server, use_tuple);
  if (!error) co_await talk->run();
}

}  // namespace

void serve_tls(Server::Impl& server, asio::ip::tcp::socket socket, std::string address) {
  auto talk = std::make_shared<Talk<TlsStream>>(server, TlsStream(std::move(socket), *server.tls), std::move(address));
  asio::co_spawn(server.io, talk_over_tls(talk, server.options.header_timeout), asio::detached);
}

}  // namespace sw::http
