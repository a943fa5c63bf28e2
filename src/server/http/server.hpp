#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "server/http/access.hpp"
#include "server/http/router.hpp"

namespace sw::http {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;         ///< 0: a free one
  std::string tls_certificate;       ///< PEM file with the chain; empty: no TLS
  std::string tls_key;               ///< PEM file
  std::vector<ApiKey> keys;          ///< none: anyone may ask
  Limits anonymous;                  ///< of each address where there are no keys
  std::vector<std::string> origins;  ///< other sites whose pages may ask (CORS); "*": all
  /// Names this server is reached under besides addresses and localhost. Where there are no keys, requests to other
  /// names are refused: a page elsewhere could have its name point here (DNS rebinding).
  std::vector<std::string> names;

  std::size_t max_connections = 4096;
  std::size_t max_target = 8 << 10;
  std::size_t max_headers = 32 << 10;
  std::size_t max_body = 8 << 20;
  std::size_t max_bodies = 256 << 20;             ///< of all requests in progress together
  std::size_t max_backlog = 4 << 20;              ///< of a stream its client does not read
  std::chrono::milliseconds idle_timeout{75000};  ///< between two requests of a connection
  std::chrono::milliseconds header_timeout{10000};
  std::chrono::milliseconds body_timeout{30000};
  std::chrono::milliseconds write_timeout{30000};  ///< without progress
  int n_workers = 2;                               ///< threads for Where::worker

  std::function<void()> on_tick;       ///< once a second, on the thread of run()
  std::function<void()> on_terminate;  ///< SIGINT or SIGTERM came; a second one ends the process. Unset: not caught
  /// After each answer: for a log.
  std::function<void(const Request& request, int status, double ms)> on_answer;
};

/// An HTTP/1.1 server on one thread, with a few more for handlers that take their time.
class Server {
 public:
  /// Binds the address, so that a taken port or an unreadable certificate is known before a model is loaded.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Router router);
  ~Server();

  std::uint16_t port() const;
  /// "http://127.0.0.1:8080"
  std::string address() const;

  /// Serves on the calling thread until finish() was called and all connections are closed.
  void run();
  /// Runs `f` on the thread of run(). Any thread.
  void post(std::function<void()> f);
  /// Runs `f` on a worker. Any thread.
  void work(std::function<void()> f);
  /// Takes no more connections, closes those that rest and each other one after the answer it is giving; what is not
  /// over after `limit` is cut. Any thread.
  void finish(std::chrono::milliseconds limit);

  int connections() const;

  struct Impl;

 private:
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::http
