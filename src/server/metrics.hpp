#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/models.hpp"
#include "server/window_histogram.hpp"

namespace sw {

/// What the server counts, for /stats and /metrics. Used by the thread of all connections, but where it says otherwise.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // As answers are given; times in milliseconds.
  void first_token(double ttft_ms);
  void next_tokens(double gap_ms, int n_tokens);  ///< n tokens came `gap_ms` after the ones before
  void finished(const RequestTimings& timings);   ///< one request of an engine
  void answered(int status);                      ///< any HTTP request
  void completed() { ++completed_; }
  void cancelled() { ++cancelled_; }
  void failed() { ++failed_; }
  void rejected() { rejected_.fetch_add(1, std::memory_order_relaxed); }  ///< any thread

  /// Takes the second's sample of the history.
  void tick(const Models& models);

  /// The body of GET /stats.
  std::string stats_json(const Models& models, int connections) const;
  /// The body of GET /metrics: Prometheus' text exposition format.
  std::string prometheus_text(const Models& models, int connections) const;

 private:
  struct Histograms;
  struct Totals;
  struct Sample {
    double time;
    int queued, running;
    double batch, prompt_tok_s, generated_tok_s;
    std::optional<double> cache_hit_rate, ttft_p50, ttft_p90, ttft_p99, gap_p50, gap_p99;
    std::uint64_t rss_bytes;
  };
  static Totals totals_of(const Models& models);
  std::int64_t now_s() const;

  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::uint64_t completed_ = 0, cancelled_ = 0, failed_ = 0;
  std::atomic<std::uint64_t> rejected_{0};
  std::map<int, std::uint64_t> answers_;  // by status
  WindowHistogram ttft_, gap_, queue_, step_;
  std::unique_ptr<Histograms> histograms_;  // since the start
  std::deque<Sample> history_;
  std::deque<Totals> totals_;  // one a second, over the window
};

}  // namespace sw
