#include "loadtest/document.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sw::loadtest {
namespace {

using report::Axis;
using report::Cell;
using report::Document;
using report::Format;
using report::Mark;
using report::Note;
using report::Plot;
using report::Point;
using report::Series;
using report::show_number;
using report::Table;
using report::Tone;

double ms(double ns) {
  return ns / 1e6;
}

double p_ms(const Histogram& histogram, double q) {
  return ms(histogram.quantile_ns(q));
}

/// A percentile that fewer samples than it needs cannot show is left out.
Cell percentile(const Histogram& histogram, double q) {
  if (!histogram.resolves(q)) return std::monostate{};
  return p_ms(histogram, q);
}

Table latencies(const LoadStats& stats) {
  Table table{
      .title = "Latency",
      .columns = {{"", "", Format::text}, {"p50", "ms"}, {"p90", "ms"}, {"p99", "ms"}, {"p99.9", "ms"}, {"max", "ms"}},
      .rows = {},
      .caption = "From the instant at which a request was due. -: too few requests to tell."};
  for (const auto& [name, histogram] :
       {std::pair{"first token", &stats.ttft}, {"between tokens", &stats.itl}, {"whole answer", &stats.e2e}}) {
    if (histogram->count() == 0) continue;
    std::vector<Cell> row{name};
    for (const double q : load_quantiles) row.push_back(percentile(*histogram, q));
    row.push_back(ms(static_cast<double>(histogram->max_ns())));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table rates(const LoadOptions& options, const LoadResult& result) {
  const LoadStats& stats = result.stats;
  const auto count = [](std::int64_t n) { return static_cast<double>(n); };
  Table table{.title = "Requests",
              .columns = {{"", "", Format::text}, {"count", "", Format::integer}, {"rate", "1/s"}},
              .rows = {{"due", count(stats.offered), result.offered_per_s()},
                       {"answered", count(stats.answered), result.answered_per_s()}}};
  if (options.slo.any()) table.rows.push_back({"good (met the SLO)", count(stats.good), result.good_per_s()});
  table.rows.push_back({"tokens", count(stats.tokens), result.tokens_per_s()});
  for (const auto& [name, n] : {std::pair{"failed", stats.failed()},
                                {"unfinished", stats.unfinished},
                                {"sent again: connection closed", stats.retried},
                                {"waited: all connections in use", stats.queued}})
    if (n > 0) table.rows.push_back({name, count(n)});
  if (stats.events > 0 && static_cast<double>(stats.tokens) > 1.05 * static_cast<double>(stats.events))
    table.caption = fmt::format("An event brought {:.1f} tokens: times between tokens are between events.",
                                static_cast<double>(stats.tokens) / static_cast<double>(stats.events));
  return table;
}

Table failures(const LoadStats& stats) {
  Table table{.title = "Failures",
              .columns = {{"", "", Format::text}, {"count", "", Format::integer}, {"first", "", Format::text}},
              .rows = {}};
  for (const auto& [kind, failure] : stats.failures)
    table.rows.push_back({kind, static_cast<double>(failure.count), failure.example});
  return table;
}

/// Latency against how rare it is: 1 in 10, 1 in 100 … (the HdrHistogram plot).
Plot spectrum(const LoadStats& stats) {
  Plot plot{.title = "Latency by how many requests exceed it",
            .x = {"one in so many", true},
            .y = {"ms", true},
            .series = {},
            .caption = {}};
  for (const auto& [name, histogram] :
       {std::pair{"first token", &stats.ttft}, {"between tokens", &stats.itl}, {"whole answer", &stats.e2e}}) {
    Series series{.name = name, .mark = Mark::line, .points = {}};
    for (double rarity = 1.25; rarity <= static_cast<double>(histogram->count()); rarity *= 1.5) {
      const double value = p_ms(*histogram, 1 - 1 / rarity);
      if (value > 0) series.points.push_back({.x = rarity, .y = value});
    }
    if (series.points.size() > 1) plot.series.push_back(std::move(series));
  }
  return plot;
}

std::vector<report::Element> over_time(const LoadOptions& options, const LoadResult& result) {
  const LoadStats& stats = result.stats;
  const double ended_s = options.warm_up_s + result.counted_s;
  Plot latency{.title = "First token over time", .x = {"s"}, .y = {"ms"}, .series = {}, .caption = {}};
  Plot traffic{.title = "Requests over time", .x = {"s"}, .y = {"1/s"}, .series = {}, .caption = {}};
  Series p50{.name = "p50", .mark = Mark::line, .points = {}}, p99 = p50;
  p99.name = "p99";
  Series due{.name = "due", .mark = Mark::line, .points = {}}, answered = due, failed = due;
  answered.name = "answered";
  failed.name = "failed";
  // At most about 240 points: seconds are taken together where there are more.
  const std::size_t step = stats.seconds.size() / 240 + 1;
  for (std::size_t i = 0, end = 0; i < stats.seconds.size(); i = end) {
    SecondStats sum;
    end = std::min(i + step, stats.seconds.size());
    // A short rest at the end would show a rate of its own: it is counted with what comes before it.
    if (static_cast<double>(end) + static_cast<double>(step) / 2 > ended_s) end = stats.seconds.size();
    for (std::size_t j = i; j < end; ++j) {
      sum.offered += stats.seconds[j].offered;
      sum.answered += stats.seconds[j].answered;
      sum.failed += stats.seconds[j].failed;
      sum.ttft.merge(stats.seconds[j].ttft);
    }
    const auto x = static_cast<double>(i);
    const double width = std::max(0.5, std::min(static_cast<double>(end), ended_s) - x);
    if (sum.ttft.count() > 0) {
      p50.points.push_back({.x = x, .y = p_ms(sum.ttft, 0.5)});
      p99.points.push_back({.x = x, .y = p_ms(sum.ttft, 0.99)});
    }
    due.points.push_back({.x = x, .y = static_cast<double>(sum.offered) / width});
    answered.points.push_back({.x = x, .y = static_cast<double>(sum.answered) / width});
    failed.points.push_back({.x = x, .y = static_cast<double>(sum.failed) / width});
  }
  latency.series = {std::move(p50), std::move(p99)};
  traffic.series = {std::move(due), std::move(answered)};
  if (stats.failed() > 0) traffic.series.push_back(std::move(failed));
  return {std::move(latency), std::move(traffic)};
}

std::string schedule_note(const LoadOptions& options, const LoadResult& result) {
  const Histogram& late = result.stats.late;
  if (std::holds_alternative<ClosedLoop>(options.workload))
    return "A closed loop sends the next request only after an answer: a server that stalls is asked less, and the "
           "percentiles do not show what others would have waited. Use --rate for that.";
  return fmt::format(
      "Schedule error: the client began with requests {} ms (p50), {} ms (p99), {} ms (at most) after they were due; "
      "latencies include it. The client used {:.0f} % of one core.",
      show_number(p_ms(late, 0.5)), show_number(p_ms(late, 0.99)), show_number(ms(static_cast<double>(late.max_ns()))),
      result.counted_s > 0 ? 100 * result.cpu_s / result.counted_s : 0);
}

std::string conclusion(const LoadOptions& options, const LoadResult& result) {
  const LoadStats& stats = result.stats;
  if (stats.answered == 0) return "No request was answered.";
  std::string text = fmt::format("{} answers/s; first token after {} ms (p50)", show_number(result.answered_per_s()),
                                 show_number(p_ms(stats.ttft, 0.5)));
  if (stats.ttft.resolves(0.99)) text += fmt::format(", {} ms (p99)", show_number(p_ms(stats.ttft, 0.99)));
  if (options.slo.any())
    text += fmt::format("; {:.1f} % met the SLO",
                        100 * static_cast<double>(stats.good) / static_cast<double>(stats.answered + stats.failed()));
  if (stats.failed() > 0) text += fmt::format("; {:.2g} % failed", 100 * stats.error_rate());
  return text + (result.interrupted ? ", until it was interrupted." : ".");
}

std::vector<std::pair<std::string, std::string>> facts(const LoadOptions& options) {
  const LoadTarget& target = options.target;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"server", target.url.text()}, {"model", target.model}, {"answers", target.stream ? "streamed" : "whole"}};
  const auto& slo = options.slo;
  std::string limits;
  for (const auto& [name, limit] : {std::pair{"TTFT", slo.ttft_ms}, {"ITL", slo.itl_ms}, {"end to end", slo.e2e_ms}})
    if (limit) limits += fmt::format("{}{} ≤ {:.4g} ms", limits.empty() ? "" : ", ", name, *limit);
  if (!limits.empty()) facts.emplace_back("SLO", limits);
  return facts;
}

void add_details(Document& document, const LoadOptions& options, const LoadResult& result) {
  document.elements.push_back(latencies(result.stats));
  document.elements.push_back(rates(options, result));
  if (result.stats.failed() > 0) document.elements.push_back(failures(result.stats));
  if (Plot plot = spectrum(result.stats); !plot.series.empty()) document.elements.push_back(std::move(plot));
  if (result.stats.seconds.size() > 4)
    for (report::Element& plot : over_time(options, result)) document.elements.push_back(std::move(plot));
  document.elements.push_back(Note{schedule_note(options, result)});
  if (const std::string warning = client_warning(result); !warning.empty())
    document.elements.push_back(Note{warning, Tone::warning});
}

}  // namespace

std::string describe(const Workload& workload) {
  if (const auto* open = std::get_if<OpenLoop>(&workload))
    return fmt::format("open loop, {:.4g} requests/s ({})", open->rate, open->poisson ? "Poisson" : "equal gaps");
  if (const auto* replay = std::get_if<Replay>(&workload))
    return fmt::format("open loop, a trace of {} requests", replay->at_s.size());
  return fmt::format("closed loop, {} users", std::get<ClosedLoop>(workload).users);
}

bool LoadTargets::met(const LoadResult& result) const {
  const LoadStats& stats = result.stats;
  const auto within = [](const std::optional<double>& limit_ms, const Histogram& histogram) {
    return !limit_ms || p_ms(histogram, 0.99) <= *limit_ms;
  };
  return stats.answered > 0 && !result.interrupted && stats.error_rate() <= error_rate &&
         within(ttft_p99_ms, stats.ttft) && within(itl_p99_ms, stats.itl) && within(e2e_p99_ms, stats.e2e);
}

std::string LoadTargets::text() const {
  std::string text;
  for (const auto& [name, limit] :
       {std::pair{"TTFT p99", ttft_p99_ms}, {"ITL p99", itl_p99_ms}, {"end to end p99", e2e_p99_ms}})
    if (limit) text += fmt::format("{} ≤ {:.4g} ms, ", name, *limit);
  return text + fmt::format("errors ≤ {:.4g} %", 100 * error_rate);
}

std::string client_warning(const LoadResult& result) {
  const LoadStats& stats = result.stats;
  if (stats.late.count() == 0 || stats.ttft.count() == 0) return {};
  const double late_ms = p_ms(stats.late, 0.99), ttft_ms = p_ms(stats.ttft, 0.99);
  if (late_ms < 1 || late_ms < 0.1 * ttft_ms) return {};
  return fmt::format(
      "The client was late itself: {} ms of the {} ms (p99) may be its own. Give it more --threads, a core of "
      "its own, or less to do.",
      show_number(late_ms), show_number(ttft_ms));
}

Document load_document(const LoadOptions& options, const LoadResult& result) {
  Document document{.title = "load test", .facts = facts(options), .elements = {}, .conclusion = {}};
  document.facts.emplace_back("load", fmt::format("{}, {:.1f} s", describe(options.workload), result.counted_s));
  add_details(document, options, result);
  document.conclusion = conclusion(options, result);
  document.tone = result.stats.answered == 0 || result.stats.error_rate() > 0.01 ? Tone::bad : Tone::plain;
  return document;
}

Document search_document(const LoadOptions& options, const LoadTargets& targets, const std::vector<TriedRate>& tried) {
  Document document{.title = "load test: the highest rate", .facts = facts(options), .elements = {}, .conclusion = {}};
  document.facts.emplace_back("target", targets.text());
  Table table{.title = "Rates tried",
              .columns = {{"", "", Format::text},
                          {"rate", "1/s"},
                          {"answered", "1/s"},
                          {"TTFT p50", "ms"},
                          {"TTFT p99", "ms"},
                          {"ITL p99", "ms"},
                          {"errors", "", Format::percent},
                          {"met", "", Format::text}},
              .rows = {},
              .caption = "The last run of the answer is twice as long, to confirm it."};
  Plot plot{.title = "Latency against load",
            .x = {"requests/s", true},
            .y = {"TTFT p99, ms", true},
            .series = {},
            .caption = {}};
  Series met{.name = "met", .mark = Mark::points, .points = {}}, missed = met;
  missed.name = "not met";
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const auto& [rate, confirmed, is_met, result] = tried[i];
    const LoadStats& stats = result.stats;
    table.rows.push_back({fmt::format("{}{}", i + 1, confirmed ? " long" : ""), rate, result.answered_per_s(),
                          p_ms(stats.ttft, 0.5), p_ms(stats.ttft, 0.99), p_ms(stats.itl, 0.99), stats.error_rate(),
                          result.interrupted ? "cut off"
                          : is_met           ? "yes"
                                             : "no"});
    if (!result.interrupted) (is_met ? met : missed).points.push_back({.x = rate, .y = p_ms(stats.ttft, 0.99)});
  }
  document.elements.push_back(std::move(table));
  if (targets.ttft_p99_ms && tried.size() > 1) {
    const auto [least, most] = std::ranges::minmax(tried, {}, &TriedRate::rate);
    const double limit = *targets.ttft_p99_ms;
    plot.series = {std::move(met),
                   std::move(missed),
                   {.name = "target",
                    .mark = Mark::limit,
                    .points = {{.x = least.rate, .y = limit}, {.x = most.rate, .y = limit}}}};
    std::erase_if(plot.series, [](const Series& series) { return series.points.empty(); });
    document.elements.push_back(std::move(plot));
  }
  const bool interrupted = !tried.empty() && tried.back().result.interrupted;
  const TriedRate* best = highest_met(tried);
  if (!best) {
    document.conclusion = interrupted ? "Interrupted before any rate met the target."
                                      : "No rate met the target, not even the lowest tried.";
    document.tone = Tone::bad;
    return document;
  }
  add_details(document, options, best->result);
  document.conclusion = fmt::format("{} {:.4g} requests/s ({}).",
                                    interrupted ? "Interrupted; so far the highest rate that met the target:"
                                                : "The highest rate that meets the target:",
                                    best->rate, targets.text());
  document.tone = Tone::good;
  return document;
}

const TriedRate* highest_met(const std::vector<TriedRate>& tried) {
  double lowest_missed = std::numeric_limits<double>::infinity();
  for (const TriedRate& step : tried)
    if (!step.met && !step.result.interrupted) lowest_missed = std::min(lowest_missed, step.rate);
  const TriedRate* best = nullptr;
  for (const TriedRate& step : tried)
    if (step.met && step.rate < lowest_missed && (!best || step.rate >= best->rate)) best = &step;
  return best;
}

std::vector<Metric> load_metrics(const LoadResult& result) {
  const LoadStats& stats = result.stats;
  std::vector<Metric> metrics;
  for (const auto& [name, histogram] : {std::pair{"ttft", &stats.ttft}, {"itl", &stats.itl}, {"e2e", &stats.e2e}})
    for (const auto& [suffix, q] : {std::pair{"p50", 0.5}, {"p99", 0.99}}) {
      if (!histogram->resolves(q)) continue;
      const Interval interval = histogram->quantile_interval_ns(q);
      metrics.push_back({.name = fmt::format("{}_{}_ms", name, suffix),
                         .unit = "ms",
                         .kind = MetricKind::timing,
                         .better = Better::lower,
                         .value = p_ms(*histogram, q),
                         .low = ms(interval.low),
                         .high = ms(interval.high),
                         .samples = {}});
    }
  const auto add = [&](const char* name, const char* unit, Better better, double value) {
    metrics.push_back({.name = name,
                       .unit = unit,
                       .kind = MetricKind::timing,
                       .better = better,
                       .value = value,
                       .low = value,
                       .high = value,
                       .samples = {}});
  };
  add("answered_per_s", "1/s", Better::higher, result.answered_per_s());
  add("good_per_s", "1/s", Better::higher, result.good_per_s());
  add("error_rate", "", Better::lower, stats.error_rate());
  return metrics;
}

}  // namespace sw::loadtest
