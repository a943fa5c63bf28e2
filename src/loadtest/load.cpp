#include "loadtest/load.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "loadtest/worker.hpp"

namespace sw::loadtest {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds progress_interval(250);

/// A connection is a file: as many as the system lets us have.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<asio::ip::tcp::resolver::results_type> resolve(const Url& url) {
  asio::io_context io;
  boost::system::error_code error;
  auto addresses = asio::ip::tcp::resolver(io).resolve(url.host, url.port, error);
  if (error) return fail("cannot find the host: " + error.message(), url.text(), {}, "Check the address");
  return addresses;
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

std::string advice(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::connect:
      return "Start the server, or check host and port";
    case FailureKind::tls:
      return "Use a certificate this system trusts, or --insecure";
    case FailureKind::timeout:
      return "Raise --timeout, or see what the server is doing";
    case FailureKind::reset:
      return "Check that this port speaks HTTP, or https where the address says http";
    case FailureKind::http_status:
      if (failure.detail.starts_with("HTTP 404"))
        return "Check the address and --model: servers answer at /v1/chat/completions";
      if (failure.detail.starts_with("HTTP 401")) return "Give the server's key with --api-key-file";
      return "See what the server says; --model and --endpoint decide what it is asked";
    case FailureKind::not_openai:
    case FailureKind::malformed_event:
    case FailureKind::truncated:
    case FailureKind::server_error:
    case FailureKind::empty:
      break;
  }
  return "Check that an OpenAI-compatible server answers at this address";
}

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options, const std::atomic<bool>& stop,
                            const std::function<void(const LoadProgress&)>& on_progress) {
  SW_ASSIGN(const auto addresses, resolve(options.target.url));
  raise_file_limit();
  try {
    asio::ssl::context tls(asio::ssl::context::tls_client);
    if (options.target.url.tls) {
      tls.set_default_verify_paths();
      tls.set_verify_mode(options.target.verify_tls ? asio::ssl::verify_peer : asio::ssl::verify_none);
    }
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
  return fail(fmt::format("{}: {}", name(failure.kind), failure.example), options.target.url.text(), {},
              advice({failure.kind, failure.example}));
}

}  // namespace sw::loadtest
