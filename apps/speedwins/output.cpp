#include "output.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "base/file.hpp"
#include "measure/machine.hpp"
#include "measure/statistics.hpp"

namespace sw {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// As wide as the terminal, where that helps: lines beyond a hundred columns are hard to follow.
report::TerminalOptions terminal_options() {
  report::TerminalOptions options;
  winsize size{};
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    options.width = std::clamp<int>(size.ws_col, 40, 100);
  // https://no-color.org
  options.color = terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const std::string_view locale = environment(name); !locale.empty()) {
      options.unicode = locale != "C" && locale != "POSIX";
      break;
    }
  return options;
}

Status write_file(const std::string& path, const std::string& text) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SW_TRY(file.write(text));
  return file.commit();
}

}  // namespace

void add_output_flags(CLI::App& command, OutputFlags& flags) {
  const std::string group = "Output";
  command.add_option("--csv", flags.csv, "Write every value to this file, for spreadsheets")->group(group);
  command.add_option("--html", flags.html, "Write a report to this file: one page that needs no network")->group(group);
  command.add_flag("!--no-history", flags.history, "Do not keep the result (see `speedwins history`)")->group(group);
}

std::string machine_name() {
  const Machine machine = identify_machine();
  return fmt::format("{}, {} threads", machine.cpu.empty() ? "unknown processor" : machine.cpu,
                     machine.hardware_threads);
}

Recording::Recording(const OutputFlags& flags, RunInfo info) {
  if (!flags.history) return;
  info.version = SPEEDWINS_VERSION;
  info.machine = machine_name();
  if (const auto begun = begin(info); !begun) give_up(begun.error());
}

Status Recording::begin(const RunInfo& info) {
  SW_ASSIGN(const auto path, History::default_path());
  SW_ASSIGN(History history, History::open(path));
  SW_ASSIGN(id_, history.begin(info));
  history_ = std::make_unique<History>(std::move(history));
  return {};
}

Recording::~Recording() = default;

void Recording::give_up(const Error& error) {
  fmt::print(stderr, "speedwins: this result is not kept: {}\n", error.message());
  history_.reset();
  id_ = 0;
}

void Recording::sample(const Metric& metric, double value) {
  if (!history_) return;
  if (const auto kept = history_->add_sample(id_, metric, value); !kept) give_up(kept.error());
}

void Recording::finish(const std::vector<Metric>& metrics, RunStatus status) {
  if (!history_) return;
  if (const auto kept = history_->finish(id_, metrics, status); !kept) give_up(kept.error());
}

Metric timing_metric(std::string name, std::string unit, Better better, std::vector<double> samples) {
  const Interval interval = bootstrap_median(samples);
  Metric metric{.name = std::move(name),
                .unit = std::move(unit),
                .kind = MetricKind::timing,
                .better = better,
                .value = median(samples),
                .low = interval.low,
                .high = interval.high,
                .samples = {}};
  metric.samples = std::move(samples);
  return metric;
}

nlohmann::ordered_json metric_json(const Metric& metric) {
  if (metric.samples.empty()) return {{"median", metric.value}};
  const auto [min, max] = std::ranges::minmax(metric.samples);
  return {{"median", metric.value}, {"min", min},          {"max", max},
          {"low", metric.low},      {"high", metric.high}, {"samples", metric.samples}};
}

Result<Report> make_report(nlohmann::ordered_json json, report::Document document, const OutputFlags& flags,
                           const Context& context, std::vector<report::Element> page_only) {
  Report report{.json = std::move(json), .text = {}};
  if (!context.json) report.text = report::to_terminal(document, terminal_options());
  std::ranges::move(page_only, std::back_inserter(document.elements));
  const auto write = [&](const std::string& path, const std::string& text) {
    if (path.empty() || report.error) return;
    if (const auto written = write_file(path, text); !written) report.error = written.error();
  };
  write(flags.csv, report::to_csv(document));
  write(flags.html, report::to_html(document));
  if (!flags.html.empty() && !report.error && !context.json)
    report.text += fmt::format("\nThe report: {}\n", flags.html);
  return report;
}

}  // namespace sw
