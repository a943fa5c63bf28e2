#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loadtest/histogram.hpp"
#include "loadtest/reply.hpp"

namespace sw::loadtest {

/// What a request must meet to count as good (goodput: Zhong et al. 2024, "DistServe").
struct Slo {
  std::optional<double> ttft_ms;  ///< first text
  std::optional<double> itl_ms;   ///< mean time between texts of the request
  std::optional<double> e2e_ms;   ///< end of the answer

  bool any() const { return ttft_ms || itl_ms || e2e_ms; }
};

/// One request that was answered; nanoseconds since the test began.
struct RequestTimes {
  std::int64_t scheduled_ns = 0;  ///< when it should have been sent: where every latency begins
  std::int64_t first_text_ns = 0, end_ns = 0;
  std::span<const std::int64_t> gaps_ns = {};
  int tokens = 0;
};

struct FailureCount {
  FailureKind kind;
  std::int64_t count = 0;
  std::string example;  ///< the first one's detail
};

/// One second of a test.
struct SecondStats {
  std::int64_t offered = 0;               ///< scheduled in it
  std::int64_t answered = 0, failed = 0;  ///< ended in it
  Histogram ttft{5};                      ///< of those scheduled in it
};

/// What a load test has seen so far.
class LoadStats {
 public:
  LoadStats() = default;
  explicit LoadStats(const Slo& slo) : slo_(slo) {}

  /// A request is due; the client has begun with it `late_ns` after its instant. A closed loop has no instants to miss.
  void on_start(std::int64_t scheduled_ns, std::optional<std::int64_t> late_ns);
  void on_answer(const RequestTimes& times);
  void on_failure(const Failure& failure, std::int64_t end_ns);
  /// The test was ended before the answer was.
  void on_unfinished() { ++unfinished; }
  void merge(const LoadStats& other);

  std::int64_t failed() const;
  double error_rate() const;

  Histogram ttft, itl, e2e;
  Histogram late;  ///< the schedule's own error
  std::int64_t offered = 0, answered = 0, good = 0, unfinished = 0, tokens = 0, events = 0;
  std::int64_t retried = 0;  ///< on a new connection, because a kept one had been closed by the server
  std::int64_t queued = 0;   ///< had to wait for a connection, all being in use
  std::map<std::string, FailureCount> failures;  ///< by kind, and by code where it is a status
  std::vector<SecondStats> seconds;
  std::int64_t last_end_ns = 0;

 private:
  SecondStats& second(std::int64_t ns);

  Slo slo_;
};

}  // namespace sw::loadtest
