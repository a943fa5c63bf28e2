#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "loadtest/document.hpp"

namespace sw::loadtest {

/// url, model, load, duration_s, interrupted, requests{…}, rates{…}, ttft_ms{p50 … p99_9, max, mean}, itl_ms, e2e_ms,
/// goodput{…}, errors[], schedule_error_ms{…}, client_cpu_s. A percentile that the number of requests cannot show is
/// null.
nlohmann::ordered_json load_json(const LoadOptions& options, const LoadResult& result);

/// target, highest_rate (null: none), tried[], and `at_highest`: the test at that rate.
nlohmann::ordered_json search_json(const LoadOptions& options, const LoadTargets& targets,
                                   const std::vector<TriedRate>& tried);

}  // namespace sw::loadtest
