#include "loadtest/document.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sw::loadtest {
namespace {

constexpr std::int64_t ms = 1'000'000;

/// `n` requests at 10 per second, of which the last of every hundred is slow.
LoadResult result_of(int n, std::int64_t usual_ns, std::int64_t slow_ns) {
  LoadResult result;
  for (int i = 0; i < n; ++i) {
    const std::int64_t at = i * 100 * ms, ttft = i % 100 == 99 ? slow_ns : usual_ns;
    const std::vector<std::int64_t> gaps = {10 * ms, 20 * ms};
    result.stats.on_start(at, 0);
    result.stats.on_answer(
        {.scheduled_ns = at, .first_text_ns = at + ttft, .end_ns = at + ttft + 30 * ms, .gaps_ns = gaps, .tokens = 3});
  }
  result.counted_s = n / 10.0;
  return result;
}

TriedRate tried(double rate, bool met, bool confirmed = false) {
  return {.rate = rate, .confirmed = confirmed, .met = met, .result = result_of(10, 5 * ms, 5 * ms)};
}

LoadOptions options_of() {
  LoadOptions options;
  options.target.url = *Url::parse("http://host:8080/v1/chat/completions");
  options.target.model = "m";
  options.workload = OpenLoop{.rate = 10, .poisson = true};
  return options;
}

TEST(Targets, are_met_by_the_99th_percentile_and_the_error_rate) {
  const LoadTargets targets{.ttft_p99_ms = 100, .itl_p99_ms = {}, .e2e_p99_ms = {}, .error_rate = 0.01};
  LoadResult result = result_of(1000, 5 * ms, 500 * ms);
  EXPECT_TRUE(targets.met(result)) << "one of a hundred may be slow";
  for (int i = 0; i < 10; ++i) result.stats.on_failure({FailureKind::timeout, ""}, 0);
  EXPECT_TRUE(targets.met(result)) << "10 of 1010 failed";
  result.stats.on_failure({FailureKind::timeout, ""}, 0);
  EXPECT_FALSE(targets.met(result)) << "11 of 1011 failed";

  EXPECT_FALSE(targets.met(result_of(1000, 101 * ms, 101 * ms)));
  EXPECT_FALSE(targets.met(LoadResult{})) << "nothing was answered";
  LoadResult interrupted = result_of(1000, 5 * ms, 5 * ms);
  interrupted.interrupted = true;
  EXPECT_FALSE(targets.met(interrupted));
}

TEST(HighestMet, lies_below_every_rate_that_was_not_met) {
  EXPECT_EQ(highest_met({}), nullptr);
  const std::vector<TriedRate> none = {tried(1, false)};
  EXPECT_EQ(highest_met(none), nullptr);
  // 100 was met by luck: the longer run did not meet it.
  const std::vector<TriedRate> steps = {tried(50, true), tried(100, true), tried(110, false), tried(100, false, true),
                                        tried(95, true, true)};
  ASSERT_NE(highest_met(steps), nullptr);
  EXPECT_EQ(highest_met(steps)->rate, 95);
  EXPECT_TRUE(highest_met(steps)->confirmed);
}

TEST(Reports, show_no_percentile_that_the_number_of_requests_cannot) {
  const auto document = load_document(options_of(), result_of(150, 5 * ms, 50 * ms));
  const auto& latency = std::get<report::Table>(document.elements.front());
  ASSERT_EQ(latency.rows.front().size(), 6u);
  EXPECT_NEAR(std::get<double>(latency.rows.front()[3]), 5, 0.01) << "149 of 150 are that fast";
  EXPECT_TRUE(std::holds_alternative<std::monostate>(latency.rows.front()[4])) << "p99.9 of 150";
}

TEST(Reports, fit_a_narrow_terminal_and_say_what_failed) {
  LoadOptions options = options_of();
  options.slo.ttft_ms = 20;
  LoadResult result = result_of(300, 5 * ms, 50 * ms);
  result.stats.on_failure({FailureKind::http_status, "HTTP 503: 'busy'"}, 0);
  const std::string text = report::to_terminal(load_document(options, result), {.width = 80});
  EXPECT_NE(text.find("http_status 503"), std::string::npos) << text;
  EXPECT_NE(text.find("Schedule error"), std::string::npos);
  EXPECT_NE(report::to_html(load_document(options, result)).find("</html>"), std::string::npos);
}

TEST(Reports, show_a_steady_rate_as_steady_where_the_last_second_is_not_whole) {
  for (const int n : {52, 58, 63}) {
    const auto document = load_document(options_of(), result_of(n, 5 * ms, 5 * ms));
    const auto is_rate = [](const report::Element& element) {
      const auto* plot = std::get_if<report::Plot>(&element);
      return plot && plot->title == "Requests over time";
    };
    const auto found = std::ranges::find_if(document.elements, is_rate);
    ASSERT_NE(found, document.elements.end());
    for (const report::Series& series : std::get<report::Plot>(*found).series)
      for (const report::Point& point : series.points) EXPECT_NEAR(point.y, 10, 0.1) << n << ' ' << series.name;
  }
}

TEST(Reports, do_not_call_a_rate_missed_whose_run_was_cut_off) {
  std::vector<TriedRate> steps = {tried(50, true), tried(100, false)};
  steps.back().result.interrupted = true;
  const LoadTargets targets{.ttft_p99_ms = 100, .itl_p99_ms = {}, .e2e_p99_ms = {}, .error_rate = 0.01};
  const auto document = search_document(options_of(), targets, steps);
  const auto& table = std::get<report::Table>(document.elements.front());
  EXPECT_EQ(std::get<std::string>(table.rows[0].back()), "yes");
  EXPECT_EQ(std::get<std::string>(table.rows[1].back()), "cut off");
  for (const report::Series& series : std::get<report::Plot>(document.elements[1]).series)
    EXPECT_NE(series.name, "not met");
}

TEST(Reports, warn_where_the_client_was_the_slow_one) {
  LoadResult result = result_of(200, 5 * ms, 5 * ms);
  EXPECT_EQ(client_warning(result), "");
  for (int i = 0; i < 200; ++i) result.stats.on_start(0, 4 * ms);
  EXPECT_NE(client_warning(result), "");
}

TEST(Metrics, of_a_load_test_have_intervals_that_hold_them) {
  for (const Metric& metric : load_metrics(result_of(2000, 5 * ms, 50 * ms))) {
    EXPECT_LE(metric.low, metric.value) << metric.name;
    EXPECT_GE(metric.high, metric.value) << metric.name;
  }
}

}  // namespace
}  // namespace sw::loadtest
