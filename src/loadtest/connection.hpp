#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <expected>
#include <memory>
#include <string>

#include "loadtest/answer.hpp"
#include "loadtest/target.hpp"

namespace sw::loadtest {

/// Where connections of one thread lead.
struct Endpoint {
  boost::asio::ip::tcp::resolver::results_type addresses;
  std::string host;                             ///< that the certificate must name
  boost::asio::ssl::context* tls = nullptr;     ///< null: plain TCP
  std::chrono::steady_clock::time_point begin;  ///< zero of the test's clock

  std::int64_t now_ns() const { return (std::chrono::steady_clock::now() - begin).count(); }
};

/// One connection, kept between requests. It may be closed and opened again any number of times.
class Connection {
 public:
  /// Both references must outlive the object.
  Connection(boost::asio::io_context& io, const Endpoint& endpoint);
  ~Connection();

  using Outcome = std::expected<void, Failure>;
  using Deadline = std::chrono::steady_clock::time_point;

  bool is_open() const;
  boost::asio::awaitable<Outcome> open(Deadline deadline);
  /// Sends the request and reads the whole answer. The connection stays open where the answer allows it.
  boost::asio::awaitable<Outcome> exchange(const std::string& request, Answer& answer, Deadline deadline);
  /// Ends whatever is under way.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::loadtest
