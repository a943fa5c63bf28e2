#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/error.hpp"
#include "loadtest/arrivals.hpp"
#include "loadtest/prompts.hpp"
#include "loadtest/stats.hpp"
#include "loadtest/target.hpp"

namespace sw::loadtest {

struct LoadOptions {
  LoadTarget target;
  Workload workload;
  PromptSource prompts;
  double duration_s = 30;         ///< after which no request is sent; answers are still waited for
  double warm_up_s = 0;           ///< requests scheduled before it are sent but not counted
  std::int64_t max_requests = 0;  ///< 0: any number
  double timeout_s = 60;          ///< of one request
  int threads = 1;
  int max_connections = 4096;
  std::uint64_t seed = 1;
  Slo slo;
};

struct LoadResult {
  LoadStats stats;
  double counted_s = 0;  ///< from the end of warming up to the last answer, or to the end of the schedule if later
  double cpu_s = 0;      ///< of this client
  bool interrupted = false;

  double offered_per_s() const { return per_s(stats.offered); }
  double answered_per_s() const { return per_s(stats.answered); }
  double good_per_s() const { return per_s(stats.good); }
  double tokens_per_s() const { return per_s(stats.tokens); }

 private:
  double per_s(std::int64_t count) const { return counted_s > 0 ? static_cast<double>(count) / counted_s : 0; }
};

/// What to show while a test runs.
struct LoadProgress {
  double elapsed_s = 0;
  int in_flight = 0;
  const LoadStats& stats;
};

/// Puts the load on the server. Every latency begins at the instant at which the workload has the request, not when a
/// busy client or a slow server let it be sent, so that a server which stalls is charged with everybody who would have
/// waited (coordinated omission: Tene 2013, "How NOT to measure latency"). In a closed loop the instant is the sending.
///
/// `stop`, set by anyone, ends the test with what there is. `on_progress` is called a few times a second. Fails only
/// where no test is possible; failed requests are counted in the result.
Result<LoadResult> run_load(const LoadOptions& options, const std::atomic<bool>& stop,
                            const std::function<void(const LoadProgress&)>& on_progress = {});

/// One request, answered as a server under test must: otherwise an Error that says what to do.
Status check_server(const LoadOptions& options, const std::atomic<bool>& stop);

}  // namespace sw::loadtest
