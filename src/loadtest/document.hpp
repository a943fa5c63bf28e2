#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loadtest/load.hpp"
#include "measure/history.hpp"
#include "measure/report.hpp"

namespace sw::loadtest {

/// The percentiles that are reported.
inline constexpr double load_quantiles[] = {0.5, 0.9, 0.99, 0.999};

/// What --find-max asks of a rate.
struct LoadTargets {
  std::optional<double> ttft_p99_ms, itl_p99_ms, e2e_p99_ms;
  double error_rate = 0.01;

  /// Also false where nothing was answered, or the test was ended early.
  bool met(const LoadResult& result) const;
  /// "TTFT p99 ≤ 100 ms, errors ≤ 1 %"
  std::string text() const;
};

/// One rate that was tried.
struct TriedRate {
  double rate = 0;
  bool confirmed = false, met = false;
  LoadResult result;
};

/// "open loop, 50 requests/s (Poisson)"
std::string describe(const Workload& workload);

/// One load test.
report::Document load_document(const LoadOptions& options, const LoadResult& result);
/// A search for the highest rate; `tried` in order.
report::Document search_document(const LoadOptions& options, const LoadTargets& targets,
                                 const std::vector<TriedRate>& tried);

/// The last run of the highest rate that met the targets and lies below every one that did not; null where there is
/// none.
const TriedRate* highest_met(const std::vector<TriedRate>& tried);

/// For the history.
std::vector<Metric> load_metrics(const LoadResult& result);

/// Whether the client itself was too slow for its latencies to be the server's; empty where it was not.
std::string client_warning(const LoadResult& result);

}  // namespace sw::loadtest
