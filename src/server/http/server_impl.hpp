#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>

#include "server/http/server.hpp"

namespace sw::http {

/// A connection as the server knows it.
struct Connection {
  bool resting = true;                 ///< between two requests
  std::function<void()> close_socket;  ///< cuts it
};

/// What connections share. All but the atomics belongs to the thread of run().
struct Server::Impl {
  explicit Impl(ServerOptions wanted)
      : options(std::move(wanted)), access(options.keys, options.anonymous), workers(options.n_workers) {}

  ServerOptions options;
  Router router;
  AccessControl access;
  boost::asio::io_context io{1};
  boost::asio::ip::tcp::acceptor acceptor{io};
  boost::asio::signal_set signals{io};
  boost::asio::steady_timer ticker{io}, limit{io};
  std::optional<boost::asio::ssl::context> tls;
  std::unordered_set<Connection*> connections;
  std::size_t body_bytes = 0;  ///< reserved by requests in progress
  bool finishing = false;
  std::string date;  ///< of the Date header, renewed every second
  std::uint16_t port = 0;
  std::atomic<int> n_connections{0};
  boost::asio::thread_pool workers;  // last: its threads end first
};

/// Serves one connection to its end. `address` is the peer's.
void serve_plain(Server::Impl& server, boost::asio::ip::tcp::socket socket, std::string address);
void serve_tls(Server::Impl& server, boost::asio::ip::tcp::socket socket, std::string address);

}  // namespace sw::http
