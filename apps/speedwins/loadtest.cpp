#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "interrupt.hpp"
#include "live_view.hpp"
#include "loadtest/document.hpp"
#include "loadtest/rate_search.hpp"
#include "loadtest_flags.hpp"
#include "loadtest_json.hpp"

namespace sw {
namespace loadtest {
namespace {

std::string percentiles(const char* name, const Histogram& histogram) {
  if (histogram.count() == 0) return fmt::format("{:<12} -", name);
  const auto at = [&](double q) { return histogram.quantile_ns(q) / 1e6; };
  return fmt::format("{:<12} p50 {:>9.2f} ms   p90 {:>9.2f} ms   p99 {:>9.2f} ms", name, at(0.5), at(0.9), at(0.99));
}

/// The first token's p99 in each of the last seconds, the highest of them as a full bar.
std::string recent_seconds(const LoadStats& stats) {
  constexpr std::size_t shown = 40;
  constexpr const char* bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t begin = stats.seconds.size() > shown ? stats.seconds.size() - shown : 0;
  double highest = 0;
  for (std::size_t i = begin; i < stats.seconds.size(); ++i)
    highest = std::max(highest, stats.seconds[i].ttft.quantile_ns(0.99));
  std::string line = "by second    ";
  for (std::size_t i = begin; i < stats.seconds.size(); ++i) {
    const double value = stats.seconds[i].ttft.quantile_ns(0.99);
    line += bars[highest > 0 ? static_cast<int>(value / highest * 8 + 0.5) : 0];
  }
  return line;
}

std::vector<std::string> live_lines(const std::string& title, const LoadProgress& progress) {
  const LoadStats& stats = progress.stats;
  return {fmt::format("{}: {:.0f} s, {} due, {} answered, {} in flight, {} failed", title, progress.elapsed_s,
                      stats.offered, stats.answered, progress.in_flight, stats.failed()),
          percentiles("first token", stats.ttft), percentiles("ITL", stats.itl), percentiles("whole", stats.e2e),
          recent_seconds(stats)};
}

/// The flags that decide what was measured, keys sorted.
std::string configuration(const LoadtestFlags& flags) {
  const LoadOptions& options = flags.options;
  return nlohmann::json{{"chat", options.target.chat},
                        {"find_max", flags.find_max},
                        {"load", describe(options.workload)},
                        {"max_tokens", flags.max_tokens},
                        {"prompts", !flags.prompts.empty() ? flags.prompts
                                    : !flags.trace.empty() ? flags.trace
                                                           : flags.prompt_words},
                        {"stream", options.target.stream}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

RunStatus status_of(bool interrupted) {
  return interrupted ? RunStatus::interrupted : RunStatus::done;
}

Result<Report> one_test(const LoadtestFlags& flags, const Context& context, Recording& recording,
                        const std::atomic<bool>& stop) {
  std::optional<LiveView> view(std::in_place);
  SW_ASSIGN(const LoadResult result, run_load(flags.options, stop, [&](const LoadProgress& progress) {
              view->show(live_lines(flags.options.target.url.host, progress));
            }));
  view.reset();
  recording.finish(load_metrics(result), status_of(result.interrupted));
  SW_ASSIGN(Report report,
            make_report(load_json(flags.options, result), load_document(flags.options, result), flags.output, context));
  if (result.stats.answered == 0) report.exit_code = 1;
  return report;
}

Result<Report> search(const LoadtestFlags& flags, const Context& context, Recording& recording,
                      const std::atomic<bool>& stop) {
  LoadOptions options = flags.options;
  if (!flags.has_duration) options.duration_s = 10;
  const auto base = std::get<OpenLoop>(options.workload);
  const double duration_s = options.duration_s;
  RateSearch rates({.first = base.rate});
  std::vector<TriedRate> tried;
  std::optional<LiveView> view(std::in_place);
  while (const auto step = rates.next()) {
    options.workload = OpenLoop{step->rate, base.poisson};
    options.duration_s = options.warm_up_s + (step->confirms ? 2 : 1) * (duration_s - options.warm_up_s);
    const std::string title = fmt::format("{:.4g} requests/s{} ({:.4g} met so far)", step->rate,
                                          step->confirms ? " again" : "", rates.answer());
    SW_ASSIGN(LoadResult result,
              run_load(options, stop, [&](const LoadProgress& progress) { view->show(live_lines(title, progress)); }));
    const bool met = flags.targets.met(result);
    const bool interrupted = result.interrupted;
    tried.push_back({step->rate, step->confirms, met, std::move(result)});
    if (interrupted) break;
    rates.tell(met);
  }
  view.reset();
  const TriedRate* best = highest_met(tried);
  const double highest = best ? best->rate : 0;
  std::vector<Metric> metrics;
  if (best) metrics = load_metrics(best->result);
  metrics.push_back({.name = "highest_rate",
                     .unit = "1/s",
                     .kind = MetricKind::timing,
                     .better = Better::higher,
                     .value = highest,
                     .low = highest,
                     .high = highest,
                     .samples = {}});
  recording.finish(metrics, status_of(stop));
  SW_ASSIGN(Report report, make_report(search_json(flags.options, flags.targets, tried),
                                       search_document(flags.options, flags.targets, tried), flags.output, context));
  if (!best) report.exit_code = 1;
  return report;
}

Result<Report> run(LoadtestFlags flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  SW_TRY(prepare_loadtest(flags));
  SW_TRY(check_server(flags.options, stop));
  if (stop) return fail("was interrupted before the test began", flags.options.target.url.text());
  Recording recording(flags.output, {.command = "loadtest",
                                     .version = {},
                                     .machine = {},
                                     .model = flags.options.target.url.text() + " " + flags.options.target.model,
                                     .model_hash = {},
                                     .configuration = configuration(flags)});
  return flags.find_max ? search(flags, context, recording, stop) : one_test(flags, context, recording, stop);
}

}  // namespace
}  // namespace loadtest

void add_loadtest_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<loadtest::LoadtestFlags>();
  CLI::App* command = app.add_subcommand("loadtest", "Put load on any OpenAI-compatible server and measure it");
  loadtest::add_loadtest_flags(*command, *flags);
  command->footer(
      "An open loop (--rate, --trace FILE) sends when requests are due, whatever the server does, and measures from\n"
      "that instant: a stall counts for everybody who would have waited. Ctrl-C ends the test and shows what there "
      "is.\n"
      "--trace chat: 64 conversations of five turns take turns; each turn sends its whole conversation again, behind\n"
      "one of eight system prompts of 200 words.\n"
      "\n"
      "Examples:\n"
      "  speedwins loadtest localhost:8080 --rate 20 -d 30s --slo-ttft 200ms --slo-itl 50ms\n"
      "  speedwins loadtest localhost:8080 --concurrency 16 --prompt-words lognormal:128:0.8 --html load.html\n"
      "  speedwins loadtest localhost:8080 --trace chat --rate 5\n"
      "  speedwins loadtest localhost:8080 --find-max --ttft-p99 100ms --json | jq .highest_rate\n"
      "  speedwins loadtest https://api.example.com --model m --api-key-file key.txt --trace day.jsonl --speed 10");
  on_command(*command, context, [flags, &context] { return loadtest::run(*flags, context); });
}

}  // namespace sw
