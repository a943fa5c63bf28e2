#include "server/metrics.hpp"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

#include "server/json_body.hpp"
#include "server/model_json.hpp"

namespace sw {
namespace {

constexpr int window_s = 60;
constexpr std::size_t history_s = 120;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json percentiles_json(const WindowHistogram::Percentiles& p) {
  return {{"p50", or_null(p.p50)}, {"p90", or_null(p.p90)}, {"p99", or_null(p.p99)}, {"count", p.count}};
}

/// From 1 ms to about 100 s, in seconds as Prometheus wants them.
prometheus::Histogram::BucketBoundaries latency_buckets() {
  return {0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20, 50, 100};
}

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type) {
  prometheus::MetricFamily result;
  result.name = std::move(name);
  result.help = std::move(help);
  result.type = type;
  return result;
}

}  // namespace

struct Metrics::Histograms {
  prometheus::Histogram ttft{latency_buckets()}, gap{latency_buckets()}, queue{latency_buckets()},
      prefill{latency_buckets()};
};

/// The engines of all models together.
struct Metrics::Totals {
  EngineStats sum;
  std::uint64_t used_bytes = 0, cached_bytes = 0, weights_bytes = 0;  ///< state in use, state kept for later requests
  std::int64_t time = 0;
};

Metrics::Metrics() : histograms_(std::make_unique<Histograms>()) {}
Metrics::~Metrics() = default;

std::int64_t Metrics::now_s() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_).count();
}

void Metrics::first_token(double ttft_ms) {
  ttft_.add(ttft_ms, now_s());
  histograms_->ttft.Observe(ttft_ms / 1e3);
}

void Metrics::next_tokens(double gap_ms, int n_tokens) {
  const std::int64_t now = now_s();
  for (int i = 0; i < n_tokens; ++i) {
    gap_.add(gap_ms / n_tokens, now);
    histograms_->gap.Observe(gap_ms / n_tokens / 1e3);
  }
}

void Metrics::finished(const RequestTimings& timings) {
  queue_.add(timings.queue_ms, now_s());
  histograms_->queue.Observe(timings.queue_ms / 1e3);
  histograms_->prefill.Observe(timings.prefill_ms / 1e3);
}

void Metrics::answered(int status) {
  ++answers_[status];
}

Metrics::Totals Metrics::totals_of(const Models& models) {
  Totals totals;
  EngineStats& sum = totals.sum;
  for (const Models::Info& info : models.list()) {
    if (!info.model) continue;
    const EngineStats stats = info.model->engine().stats();
    sum.queued += stats.queued;
    sum.running += stats.running;
    sum.batch_sequences += stats.running > 0 ? stats.batch_sequences : 0;
    sum.batch_tokens += stats.running > 0 ? stats.batch_tokens : 0;
    sum.blocks_used += stats.blocks_used;
    sum.blocks_cached += stats.blocks_cached;
    sum.blocks_total += stats.blocks_total;
    sum.state_bytes += stats.state_bytes;
    sum.cache_disk_bytes += stats.cache_disk_bytes;
    sum.step_ms = std::max(sum.step_ms, stats.step_ms);
    sum.steps += stats.steps;
    sum.busy_s += stats.busy_s;
    sum.prompt_tokens += stats.prompt_tokens + stats.cached_tokens;  // the engine counts those that it computed
    sum.cached_tokens += stats.cached_tokens;
    sum.disk_tokens += stats.disk_tokens;
    sum.new_tokens += stats.new_tokens;
    sum.submitted += stats.submitted;
    sum.finished += stats.finished;
    sum.cancelled += stats.cancelled;
    sum.failed += stats.failed;
    sum.preemptions += stats.preemptions;
    totals.weights_bytes += info.model->weights_bytes();
    if (stats.blocks_total > 0) {
      const std::uint64_t block_bytes = stats.state_bytes / static_cast<std::uint64_t>(stats.blocks_total);
      totals.used_bytes += block_bytes * static_cast<std::uint64_t>(stats.blocks_used);
      totals.cached_bytes += block_bytes * static_cast<std::uint64_t>(stats.blocks_cached);
    }
  }
  return totals;
}

void Metrics::tick(const Models& models) {
  Totals totals = totals_of(models);
  const std::int64_t now = now_s();
  totals.time = now;
  const EngineStats& sum = totals.sum;
  if (sum.running > 0) step_.add(sum.step_ms, now);

  Sample sample{};
  sample.time = unix_time();
  sample.queued = sum.queued;
  sample.running = sum.running;
  sample.batch = sum.batch_sequences;
  // Counters begin anew when a model is unloaded: such a second has no rate.
  if (!totals_.empty() && sum.prompt_tokens >= totals_.back().sum.prompt_tokens &&
      sum.new_tokens >= totals_.back().sum.new_tokens) {
    const Totals& before = totals_.back();
    const double seconds = std::max(static_cast<double>(now - before.time), 1.0);
    const auto prompt = sum.prompt_tokens - before.sum.prompt_tokens;
    const auto cached = sum.cached_tokens - before.sum.cached_tokens;
    sample.prompt_tok_s = static_cast<double>(prompt - std::min(cached, prompt)) / seconds;
    sample.generated_tok_s = static_cast<double>(sum.new_tokens - before.sum.new_tokens) / seconds;
    if (prompt > 0) sample.cache_hit_rate = static_cast<double>(cached) / static_cast<double>(prompt);
  }
  const auto gaps = gap_.percentiles(now, 5);
  const auto ttft = ttft_.percentiles(now, 5);
  sample.ttft_p50 = ttft.p50;
  sample.ttft_p90 = ttft.p90;
  sample.ttft_p99 = ttft.p99;
  sample.gap_p50 = gaps.p50;
  sample.gap_p99 = gaps.p99;
  sample.rss_bytes = resident_bytes();
  history_.push_back(sample);
  if (history_.size() > history_s) history_.pop_front();
  totals_.push_back(std::move(totals));
  if (totals_.size() > window_s) totals_.pop_front();
}

std::string Metrics::stats_json(const Models& models, int connections) const {
  const Totals totals = totals_of(models);
  const EngineStats& sum = totals.sum;
  const std::int64_t now = now_s();

  double batch = 0, prompt_rate = 0, generated_rate = 0;
  std::optional<double> hit_rate;
  int max_batch = 0;
  if (!totals_.empty()) {
    const EngineStats& before = totals_.front().sum;
    const double seconds = std::max(static_cast<double>(now - totals_.front().time), 1.0);
    if (sum.prompt_tokens >= before.prompt_tokens && sum.new_tokens >= before.new_tokens) {
      const auto prompt = sum.prompt_tokens - before.prompt_tokens;
      const auto cached = std::min(sum.cached_tokens - before.cached_tokens, prompt);
      prompt_rate = static_cast<double>(prompt - cached) / seconds;
      generated_rate = static_cast<double>(sum.new_tokens - before.new_tokens) / seconds;
      if (prompt > 0) hit_rate = static_cast<double>(cached) / static_cast<double>(prompt);
    }
    int busy = 0;
    for (const Totals& second : totals_) {
      if (second.sum.batch_sequences == 0) continue;
      batch += second.sum.batch_sequences;
      max_batch = std::max(max_batch, second.sum.batch_sequences);
      ++busy;
    }
    if (busy > 0) batch /= busy;
  }

  Json list = Json::array();
  for (const Models::Info& info : models.list()) list.push_back(model_json(info));
  Json history = Json::array();
  for (const Sample& s : history_)
    history.push_back({{"time", s.time},
                       {"queued", s.queued},
                       {"running", s.running},
                       {"batch", s.batch},
                       {"prompt_tok_s", s.prompt_tok_s},
                       {"generated_tok_s", s.generated_tok_s},
                       {"cache_hit_rate", or_null(s.cache_hit_rate)},
                       {"ttft_p50_ms", or_null(s.ttft_p50)},
                       {"ttft_p90_ms", or_null(s.ttft_p90)},
                       {"ttft_p99_ms", or_null(s.ttft_p99)},
                       {"inter_token_p50_ms", or_null(s.gap_p50)},
                       {"inter_token_p99_ms", or_null(s.gap_p99)},
                       {"rss_bytes", s.rss_bytes}});
  const std::uint64_t resident = resident_bytes();
  const Json stats = {{"time", unix_time()},
                      {"uptime_s", std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()},
                      {"window_s", window_s},
                      {"requests",
                       {{"queued", sum.queued},
                        {"running", sum.running},
                        {"completed", completed_},
                        {"cancelled", cancelled_},
                        {"failed", failed_},
                        {"rejected", rejected_.load(std::memory_order_relaxed)}}},
                      {"batch",
                       {{"sequences", batch},
                        {"max_sequences", max_batch},
                        {"step_ms", percentiles_json(step_.percentiles(now, window_s))}}},
                      {"prefix_cache",
                       {{"hit_rate", or_null(hit_rate)},
                        {"cached_tokens", sum.cached_tokens},
                        {"prompt_tokens", sum.prompt_tokens},
                        {"used_bytes", totals.cached_bytes},
                        {"capacity_bytes", sum.state_bytes},
                        {"disk_bytes", sum.cache_disk_bytes}}},
                      {"ttft_ms", percentiles_json(ttft_.percentiles(now, window_s))},
                      {"inter_token_ms", percentiles_json(gap_.percentiles(now, window_s))},
                      {"queue_ms", percentiles_json(queue_.percentiles(now, window_s))},
                      {"tokens_s", {{"prompt", prompt_rate}, {"generated", generated_rate}}},
                      {"tokens", {{"prompt", sum.prompt_tokens}, {"generated", sum.new_tokens}}},
                      {"memory",
                       {{"rss_bytes", resident},
                        {"peak_rss_bytes", std::max(peak_resident_bytes(), resident)},  // the kernel's peak lags
                        {"weights_bytes", totals.weights_bytes},
                        {"kv_bytes", totals.used_bytes}}},
                      {"connections", connections},
                      {"models", std::move(list)},
                      {"history", std::move(history)}};
  return dump(stats);
}

std::string Metrics::prometheus_text(const Models& models, int connections) const {
  using prometheus::ClientMetric;
  using prometheus::MetricFamily;
  using prometheus::MetricType;
  const Totals totals = totals_of(models);
  const EngineStats& sum = totals.sum;
  std::vector<MetricFamily> families;

  struct Labelled {
    std::string name, value;  ///< of the label; no name: none
    double number;
  };
  const auto add = [&](const char* name, const char* help, MetricType type, std::initializer_list<Labelled> values) {
    MetricFamily& target = families.emplace_back(family(name, help, type));
    for (const Labelled& one : values) {
      ClientMetric metric;
      if (!one.name.empty()) metric.label.push_back({one.name, one.value});
      (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = one.number;
      target.metric.push_back(std::move(metric));
    }
  };
  const auto gauge = [&](const char* name, const char* help, auto value) {
    add(name, help, MetricType::Gauge, {{"", "", static_cast<double>(value)}});
  };
  const auto counter = [&](const char* name, const char* help, auto value) {
    add(name, help, MetricType::Counter, {{"", "", static_cast<double>(value)}});
  };
  const auto histogram = [&](const char* name, const char* help, const prometheus::Histogram& values) {
    families.emplace_back(family(name, help, MetricType::Histogram)).metric.push_back(values.Collect());
  };

  gauge("speedwins_requests_queued", "Requests that wait for a place in the batch.", sum.queued);
  gauge("speedwins_requests_running", "Choices in the batch.", sum.running);
  gauge("speedwins_batch_sequences", "Sequences in the last step.", sum.batch_sequences);
  gauge("speedwins_batch_tokens", "Tokens in the last step.", sum.batch_tokens);
  gauge("speedwins_step_seconds", "Moving average of a step's time.", sum.step_ms / 1e3);
  counter("speedwins_steps_total", "Steps of all engines.", sum.steps);
  counter("speedwins_busy_seconds_total", "Time spent in steps.", sum.busy_s);
  add("speedwins_tokens_total", "Tokens by kind: computed of prompts, cached of prompts, generated.",
      MetricType::Counter,
      {{"kind", "prompt", static_cast<double>(sum.prompt_tokens - std::min(sum.cached_tokens, sum.prompt_tokens))},
       {"kind", "cached", static_cast<double>(sum.cached_tokens)},
       {"kind", "generated", static_cast<double>(sum.new_tokens)}});
  counter("speedwins_prefix_cache_disk_tokens_total", "Tokens of prompts read from the cache on disk.",
          sum.disk_tokens);
  counter("speedwins_preemptions_total", "Sequences that gave their memory to others for a while.", sum.preemptions);
  add("speedwins_requests_total", "Generations by their end.", MetricType::Counter,
      {{"end", "completed", static_cast<double>(completed_)},
       {"end", "cancelled", static_cast<double>(cancelled_)},
       {"end", "failed", static_cast<double>(failed_)},
       {"end", "rejected", static_cast<double>(rejected_.load(std::memory_order_relaxed))}});
  add("speedwins_kv_blocks", "Blocks of the state pool.", MetricType::Gauge,
      {{"state", "used", static_cast<double>(sum.blocks_used)},
       {"state", "cached", static_cast<double>(sum.blocks_cached)},
       {"state", "total", static_cast<double>(sum.blocks_total)}});
  add("speedwins_memory_bytes", "Memory by purpose.", MetricType::Gauge,
      {{"kind", "resident", static_cast<double>(resident_bytes())},
       {"kind", "weights", static_cast<double>(totals.weights_bytes)},
       {"kind", "state_pool", static_cast<double>(sum.state_bytes)},
       {"kind", "state_used", static_cast<double>(totals.used_bytes)}});
  gauge("speedwins_prefix_cache_disk_bytes", "Prefixes on disk.", sum.cache_disk_bytes);
  gauge("speedwins_connections", "Open connections.", connections);
  MetricFamily& http =
      families.emplace_back(family("speedwins_http_requests_total", "HTTP requests by status.", MetricType::Counter));
  for (const auto& [status, count] : answers_) {
    ClientMetric metric;
    metric.label.push_back({"code", std::to_string(status)});
    metric.counter.value = static_cast<double>(count);
    http.metric.push_back(std::move(metric));
  }
  histogram("speedwins_ttft_seconds", "From a request's last byte to its first token.", histograms_->ttft);
  histogram("speedwins_inter_token_seconds", "Between two tokens of a stream.", histograms_->gap);
  histogram("speedwins_queue_seconds", "Waiting for a place in the batch.", histograms_->queue);
  histogram("speedwins_prefill_seconds", "Reading a prompt, up to the first token.", histograms_->prefill);

  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace sw
