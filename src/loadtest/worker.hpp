#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "loadtest/connection.hpp"
#include "loadtest/load.hpp"

namespace sw::loadtest {

/// One thread's share of a load test: every n-th request of the schedule, or every n-th user, over its own connections.
class Worker {
 public:
  /// Everything referred to must outlive the object. `index` of `options.threads`.
  Worker(const LoadOptions& options, Endpoint endpoint, int index, const std::atomic<bool>& stop);

  /// Returns when the last answer has come, or soon after `stop`.
  void run();

  // For other threads, while it runs and after.
  LoadStats stats() const;
  int in_flight() const { return in_flight_; }
  double cpu_s() const { return cpu_s_; }  ///< after run()

 private:
  struct Planned {
    std::uint64_t index = 0;
    std::int64_t scheduled_ns = 0;
  };

  boost::asio::awaitable<void> follow_schedule();
  boost::asio::awaitable<void> be_user(std::uint64_t user);
  boost::asio::awaitable<void> watch();
  boost::asio::awaitable<void> serve(Connection* connection, Planned planned);
  boost::asio::awaitable<void> request(Connection& connection, Planned planned);

  template <class Task>
  void spawn(Task task);
  void start(Planned planned);
  Connection* take_connection();
  void record(const Planned& planned, const Answer& answer, const Connection::Outcome& outcome);
  bool counts(const Planned& planned) const { return planned.scheduled_ns >= warm_up_ns_; }
  bool within_limits(std::uint64_t index, std::int64_t at_ns) const;

  const LoadOptions& options_;
  const Endpoint endpoint_;
  const std::uint64_t index_, threads_;
  const std::int64_t warm_up_ns_, duration_ns_;
  const std::size_t max_connections_;
  const std::atomic<bool>& stop_;
  bool stopping_ = false;

  boost::asio::io_context io_{1};
  boost::asio::steady_timer schedule_timer_{io_}, watch_timer_{io_};
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> idle_;  // open ones behind
  std::deque<Planned> waiting_;   // for a connection
  int tasks_ = 0;                 // coroutines that are not finished, the watch aside

  mutable std::mutex mutex_;  // of stats_
  LoadStats stats_;
  std::atomic<int> in_flight_ = 0;
  double cpu_s_ = 0;
};

}  // namespace sw::loadtest
