#include "loadtest/worker.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <exception>

namespace sw::loadtest {
namespace {

namespace asio = boost::asio;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds watch_interval(50);

std::int64_t to_ns(double seconds) {
  return static_cast<std::int64_t>(std::min(seconds, 1e9) * 1e9);
}

double thread_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Worker::Worker(const LoadOptions& options, Endpoint endpoint, int index, const std::atomic<bool>& stop)
    : options_(options),
      endpoint_(std::move(endpoint)),
      index_(static_cast<std::uint64_t>(index)),
      threads_(static_cast<std::uint64_t>(options.threads)),
      warm_up_ns_(to_ns(options.warm_up_s)),
      duration_ns_(to_ns(options.duration_s)),
      max_connections_(static_cast<std::size_t>(std::max(1, options.max_connections / options.threads))),
      stop_(stop),
      stats_(options.slo) {}

LoadStats Worker::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

template <class Task>
void Worker::spawn(Task task) {
  ++tasks_;
  asio::co_spawn(io_, std::move(task), [this](const std::exception_ptr& exception) {
    if (exception) std::rethrow_exception(exception);
    if (--tasks_ == 0) watch_timer_.cancel();
  });
}

void Worker::run() {
  // The kernel may otherwise wake a sleeping thread 50 µs late.
  prctl(PR_SET_TIMERSLACK, 1);
  const double cpu_before_s = thread_cpu_s();
  if (const auto* closed = std::get_if<ClosedLoop>(&options_.workload)) {
    for (std::uint64_t user = index_; user < static_cast<std::uint64_t>(closed->users); user += threads_)
      spawn(be_user(user));
  } else {
    spawn(follow_schedule());
  }
  if (tasks_ > 0) asio::co_spawn(io_, watch(), asio::detached);
  io_.run();
  cpu_s_ = thread_cpu_s() - cpu_before_s;
}

asio::awaitable<void> Worker::watch() {
  while (tasks_ > 0) {
    watch_timer_.expires_after(watch_interval);
    co_await watch_timer_.async_wait(use_tuple);
    if (!stop_ || stopping_) continue;
    stopping_ = true;
    schedule_timer_.cancel();
    for (const auto& connection : connections_) connection->close();
    const std::lock_guard lock(mutex_);
    for (const Planned& planned : waiting_)
      if (counts(planned)) stats_.on_unfinished();
    in_flight_ -= static_cast<int>(waiting_.size());
    waiting_.clear();
  }
}

bool Worker::within_limits(std::uint64_t index, std::int64_t at_ns) const {
  const bool enough = options_.max_requests > 0 && index >= static_cast<std::uint64_t>(options_.max_requests);
  return !stopping_ && !enough && at_ns < duration_ns_;
}

asio::awaitable<void> Worker::follow_schedule() {
  Arrivals arrivals(options_.workload, options_.seed);
  for (std::uint64_t i = 0;; ++i) {
    const auto at_s = arrivals.next();
    if (!at_s || !within_limits(i, to_ns(*at_s))) co_return;
    if (i % threads_ != index_) continue;
    const std::int64_t at_ns = to_ns(*at_s);
    if (at_ns > endpoint_.now_ns()) {
      schedule_timer_.expires_at(endpoint_.begin + std::chrono::nanoseconds(at_ns));
      co_await schedule_timer_.async_wait(use_tuple);
      if (stopping_) co_return;
    } else {
      // Behind: others must have their turn all the same.
      co_await asio::post(io_, asio::use_awaitable);
    }
    start({i, at_ns});
  }
}

asio::awaitable<void> Worker::be_user(std::uint64_t user) {
  const auto users = static_cast<std::uint64_t>(std::get<ClosedLoop>(options_.workload).users);
  Connection& connection = *connections_.emplace_back(std::make_unique<Connection>(io_, endpoint_));
  for (std::uint64_t i = user;; i += users) {
    const Planned planned{i, endpoint_.now_ns()};
    if (!within_limits(i, planned.scheduled_ns)) co_return;
    ++in_flight_;
    if (counts(planned)) {
      const std::lock_guard lock(mutex_);
      stats_.on_start(planned.scheduled_ns, std::nullopt);
    }
    co_await request(connection, planned);
    --in_flight_;
  }
}

void Worker::start(Planned planned) {
  ++in_flight_;
  Connection* connection = take_connection();
  if (counts(planned)) {
    const std::lock_guard lock(mutex_);
    stats_.on_start(planned.scheduled_ns, endpoint_.now_ns() - planned.scheduled_ns);
    if (!connection) ++stats_.queued;
  }
  if (connection)
    spawn(serve(connection, planned));
  else
    waiting_.push_back(planned);
}

/// Null when all that are allowed are in use.
Connection* Worker::take_connection() {
  if (idle_.empty()) {
    if (connections_.size() >= max_connections_) return nullptr;
    return connections_.emplace_back(std::make_unique<Connection>(io_, endpoint_)).get();
  }
  Connection* connection = idle_.back();
  idle_.pop_back();
  return connection;
}

asio::awaitable<void> Worker::serve(Connection* connection, Planned planned) {
  for (;;) {
    co_await request(*connection, planned);
    --in_flight_;
    if (waiting_.empty()) break;
    planned = waiting_.front();
    waiting_.pop_front();
  }
  if (connection->is_open())
    idle_.push_back(connection);
  else
    idle_.push_front(connection);
}

asio::awaitable<void> Worker::request(Connection& connection, Planned planned) {
  const std::string text = request_text(options_.target, options_.prompts(planned.index));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(to_ns(options_.timeout_s));
  for (bool was_open = connection.is_open();; was_open = false) {
    Answer answer;
    Connection::Outcome outcome;
    if (!was_open) outcome = co_await connection.open(deadline);
    if (outcome && !stopping_) outcome = co_await connection.exchange(text, answer, deadline);
    // A server may close an idle connection at any time: that this one was closed says nothing about the request.
    const bool stale = was_open && !outcome && outcome.error().kind == FailureKind::reset && !answer.begun();
    if (stale && !stopping_) {
      const std::lock_guard lock(mutex_);
      ++stats_.retried;
      continue;
    }
    record(planned, answer, outcome);
    co_return;
  }
}

void Worker::record(const Planned& planned, const Answer& answer, const Connection::Outcome& outcome) {
  if (!counts(planned)) return;
  const std::int64_t end_ns = endpoint_.now_ns();
  const std::lock_guard lock(mutex_);
  if (outcome && answer.begun())
    stats_.on_answer({.scheduled_ns = planned.scheduled_ns,
                      .first_text_ns = answer.first_text_ns(),
                      .end_ns = end_ns,
                      .gaps_ns = answer.gaps_ns(),
                      .tokens = answer.tokens()});
  else if (stopping_)
    stats_.on_unfinished();
  else
    stats_.on_failure(outcome.error(), end_ns);
}

}  // namespace sw::loadtest
