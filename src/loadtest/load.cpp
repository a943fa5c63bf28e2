#include "loadtest/load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "loadtest/endpoint.hpp"
#include "loadtest/worker.hpp"

namespace sw::loadtest {
namespace {

constexpr std::chrono::milliseconds progress_interval(250);

/// A connection is a file: as many as the system lets us have.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Threads that tell when the last of them is done.
class Team {
 public:
  explicit Team(std::vector<std::unique_ptr<Worker>>& workers) : running_(workers.size()) {
    for (auto& worker : workers) threads_.emplace_back([this, &worker] { run(*worker); });
  }

  /// Whether all are done.
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, time, [this] { return running_ == 0; });
  }
  /// After they are done.
  const std::string& error() const { return error_; }

 private:
  void run(Worker& worker) {
    std::string error;
    try {
      worker.run();
    } catch (const std::exception& exception) {
      error = exception.what();
    }
    const std::lock_guard lock(mutex_);
    if (error_.empty()) error_ = std::move(error);
    if (--running_ == 0) done_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t running_;
  std::string error_;
  std::vector<std::jthread> threads_;
};

LoadStats merged(const std::vector<std::unique_ptr<Worker>>& workers, const Slo& slo) {
  LoadStats stats(slo);
  for (const auto& worker : workers) stats.merge(worker->stats());
  return stats;
}

/// When the schedule ends, had nothing ended it early.
double scheduled_s(const LoadOptions& options) {
  if (const auto* open = std::get_if<OpenLoop>(&options.workload); open && options.max_requests > 0)
    return std::min(options.duration_s, static_cast<double>(options.max_requests) / open->rate);
  if (const auto* replay = std::get_if<Replay>(&options.workload); replay && !replay->at_s.empty())
    return std::min(options.duration_s, replay->at_s.back());
  return options.max_requests > 0 ? 0 : options.duration_s;
}

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options, const std::atomic<bool>& stop,
                            const std::function<void(const LoadProgress&)>& on_progress) {
  SW_ASSIGN(const auto addresses, resolve(options.target.url));
  raise_file_limit();
  try {
    boost::asio::ssl::context tls = tls_context(options.target);
    const Endpoint endpoint{.addresses = addresses,
                            .host = options.target.url.host,
                            .tls = options.target.url.tls ? &tls : nullptr,
                            .begin = std::chrono::steady_clock::now()};
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<Worker>(options, endpoint, i, stop));

    LoadResult result;
    {
      Team team(workers);
      while (!team.wait_for(progress_interval)) {
        if (!on_progress) continue;
        int in_flight = 0;
        for (const auto& worker : workers) in_flight += worker->in_flight();
        const LoadStats stats = merged(workers, options.slo);
        on_progress({static_cast<double>(endpoint.now_ns()) / 1e9, in_flight, stats});
      }
      if (!team.error().empty()) return fail(team.error(), options.target.url.text());
    }
    result.stats = merged(workers, options.slo);
    result.interrupted = stop;
    for (const auto& worker : workers) result.cpu_s += worker->cpu_s();
    const double now_s = static_cast<double>(endpoint.now_ns()) / 1e9;
    const double last_end_s = static_cast<double>(result.stats.last_end_ns) / 1e9;
    const double end_s = result.interrupted ? now_s : std::max(last_end_s, scheduled_s(options));
    result.counted_s = std::max(0.0, end_s - options.warm_up_s);
    return result;
  } catch (const std::exception& exception) {
    return fail(exception.what(), options.target.url.text());
  }
}

Status check_server(const LoadOptions& options, const std::atomic<bool>& stop) {
  LoadOptions once = options;
  once.workload = ClosedLoop{1};
  once.max_requests = 1;
  once.warm_up_s = 0;
  once.duration_s = 1e6;
  once.threads = 1;
  SW_ASSIGN(const LoadResult result, run_load(once, stop));
  if (result.stats.failures.empty()) return {};
  const FailureCount& failure = result.stats.failures.begin()->second;
  return std::unexpected(error_of({failure.kind, failure.example}, options.target.url.text()));
}

}  // namespace sw::loadtest
