#include "loadtest_json.hpp"

namespace sw::loadtest {
namespace {

using nlohmann::ordered_json;

ordered_json percentiles(const Histogram& histogram) {
  ordered_json json;
  for (const auto& [name, q] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}}) {
    if (!histogram.resolves(q)) {
      json[name] = nullptr;
      continue;
    }
    const Interval interval = histogram.quantile_interval_ns(q);
    json[name] = histogram.quantile_ns(q) / 1e6;
    json[std::string(name) + "_interval"] = {interval.low / 1e6, interval.high / 1e6};
  }
  json["max"] = histogram.count() > 0 ? ordered_json(static_cast<double>(histogram.max_ns()) / 1e6) : nullptr;
  json["mean"] = histogram.count() > 0 ? ordered_json(histogram.mean_ns() / 1e6) : nullptr;
  json["samples"] = histogram.count();
  return json;
}

ordered_json optional_ms(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

}  // namespace

ordered_json load_json(const LoadOptions& options, const LoadResult& result) {
  const LoadStats& stats = result.stats;
  ordered_json json = {{"url", options.target.url.text()},
                       {"model", options.target.model},
                       {"load", describe(options.workload)},
                       {"duration_s", result.counted_s},
                       {"interrupted", result.interrupted}};
  json["requests"] = {{"due", stats.offered},           {"answered", stats.answered}, {"failed", stats.failed()},
                      {"unfinished", stats.unfinished}, {"retried", stats.retried},   {"queued", stats.queued}};
  json["rates"] = {{"due_per_s", result.offered_per_s()},
                   {"answered_per_s", result.answered_per_s()},
                   {"tokens_per_s", result.tokens_per_s()}};
  json["ttft_ms"] = percentiles(stats.ttft);
  json["itl_ms"] = percentiles(stats.itl);
  json["e2e_ms"] = percentiles(stats.e2e);
  if (options.slo.any())
    json["goodput"] = {{"slo_ttft_ms", optional_ms(options.slo.ttft_ms)},
                       {"slo_itl_ms", optional_ms(options.slo.itl_ms)},
                       {"slo_e2e_ms", optional_ms(options.slo.e2e_ms)},
                       {"requests", stats.good},
                       {"per_s", result.good_per_s()}};
  json["errors"] = ordered_json::array();
  for (const auto& [kind, failure] : stats.failures)
    json["errors"].push_back({{"kind", kind}, {"count", failure.count}, {"first", failure.example}});
  json["schedule_error_ms"] = percentiles(stats.late);
  json["client_cpu_s"] = result.cpu_s;
  if (const std::string warning = client_warning(result); !warning.empty()) json["warning"] = warning;
  return json;
}

ordered_json search_json(const LoadOptions& options, const LoadTargets& targets, const std::vector<TriedRate>& tried) {
  ordered_json json = {{"target", targets.text()}};
  const TriedRate* best = highest_met(tried);
  json["highest_rate"] = best ? ordered_json(best->rate) : nullptr;
  json["tried"] = ordered_json::array();
  json["at_highest"] = nullptr;
  for (const TriedRate& step : tried) {
    LoadOptions at = options;
    at.workload = OpenLoop{step.rate, std::get<OpenLoop>(options.workload).poisson};
    ordered_json test = load_json(at, step.result);
    json["tried"].push_back({{"rate", step.rate},
                             {"confirms", step.confirmed},
                             {"met", step.met},
                             {"answered_per_s", step.result.answered_per_s()},
                             {"ttft_ms", test["ttft_ms"]},
                             {"itl_ms", test["itl_ms"]},
                             {"error_rate", step.result.stats.error_rate()}});
    if (&step == best) json["at_highest"] = std::move(test);
  }
  return json;
}

}  // namespace sw::loadtest
