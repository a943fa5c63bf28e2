#include "server/http/connection.hpp"

namespace sw::http {
void serve_plain(Server::Impl& server, asio::ip::tcp::socket socket, std::string address) {
  auto talk =
      std::make_shared<Talk<beast::tcp_stream>>(server, beast::tcp_stream(std::move(socket)), std::move(address));
  asio::co_spawn(
      server.io, [talk]() { return talk->run(); }, asio::detached);
}

}  // namespace sw::http
