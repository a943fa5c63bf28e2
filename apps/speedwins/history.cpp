#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "commands.hpp"
#include "output.hpp"

namespace sw {
namespace {

struct HistoryFlags {
  RunFilter filter;
  double days = 0;
  std::string metric;
  std::int64_t id = 0;
  std::string name;
  OutputFlags output;
};

std::string local_time(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
  return text;
}

const char* word(RunStatus status) {
  switch (status) {
    case RunStatus::done:
      return "done";
    case RunStatus::interrupted:
      return "interrupted";
    case RunStatus::running:
      break;
  }
  return "unfinished";
}

report::Estimate estimate(const Metric& metric) {
  return {metric.value, metric.low, metric.high};
}

/// What a run is told by in one line: its main metric.
const Metric* main_metric(const RunRecord& run) {
  for (const char* name : {"decode_tok_s", "speed_ratio", "perplexity", "accuracy"})
    if (const Metric* metric = run.find(name)) return metric;
  return run.metrics.empty() ? nullptr : &run.metrics.front();
}

nlohmann::ordered_json json_of(const RunRecord& run) {
  nlohmann::ordered_json json = {
      {"id", run.id},
      {"time_ms", run.started_ms},
      {"status", word(run.status)},
      {"command", run.info.command},
      {"version", run.info.version},
      {"machine", run.info.machine},
      {"model", run.info.model},
      {"model_hash", run.info.model_hash},
      {"configuration", nlohmann::ordered_json::parse(run.info.configuration, nullptr, false)},
      {"metrics", nlohmann::ordered_json::object()}};
  for (const Metric& metric : run.metrics)
    json["metrics"][metric.name] = {{"value", metric.value},
                                    {"low", metric.low},
                                    {"high", metric.high},
                                    {"unit", metric.unit},
                                    {"samples", metric.samples}};
  return json;
}

/// "threads 2, batch 1": of a configuration in JSON.
std::string short_configuration(const std::string& json) {
  const auto parsed = nlohmann::ordered_json::parse(json, nullptr, false);
  if (!parsed.is_object()) return "";
  std::string text;
  for (const auto& [key, value] : parsed.items())
    if (!value.is_object() && !(key == "context" && value == 0))  // 0: what the model was trained for
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                          value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

/// The last parts of paths, the hosts of addresses: "demo -t 1", "q4.gguf", "localhost:8080 demo".
std::string short_model(const std::string& model) {
  std::string text;
  std::istringstream words(model);
  for (std::string word; words >> word;) {
    if (const std::size_t scheme = word.find("://"); scheme != std::string::npos) {
      word = word.substr(scheme + 3);
      word = word.substr(0, word.find('/'));
    } else if (const std::size_t slash = word.find_last_of('/'); slash + 1 < word.size()) {
      word = word.substr(slash + 1);
    }
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

report::Table list_of(const std::vector<RunRecord>& runs) {
  using report::Format;
  report::Table table{.title = "",
                      .columns = {{"run", "", Format::integer},
                                  {"when", "", Format::text},
                                  {"command", "", Format::text},
                                  {"result", "", Format::text},
                                  {"model", "", Format::text},
                                  {"", "", Format::text}},
                      .rows = {}};
  for (const RunRecord& run : runs) {
    const Metric* metric = main_metric(run);
    const std::string result = metric ? fmt::format("{} {}", metric->name, report::show_number(metric->value)) : "-";
    table.rows.push_back({static_cast<double>(run.id), local_time(run.started_ms), run.info.command, result,
                          short_model(run.info.model), run.status == RunStatus::done ? "" : word(run.status)});
  }
  return table;
}

/// One line per model, command and configuration, which alone compare.
report::Plot trend_of(const std::vector<RunRecord>& runs, const std::string& name) {
  report::Plot plot{
      .title = fmt::format("{} over time", name), .x = {.label = "run", .counts = true}, .y = {name}, .series = {}};
  std::map<std::string, std::vector<report::Point>> series;
  for (const RunRecord& run : runs)
    if (const Metric* metric = run.find(name)) {
      plot.y.label = metric->unit.empty() ? name : fmt::format("{}, {}", name, metric->unit);
      series[fmt::format("{} {} ({})", run.info.command, run.info.model, short_configuration(run.info.configuration))]
          .push_back({.x = static_cast<double>(run.id),
                      .y = metric->value,
                      .low = metric->low,
                      .high = metric->high,
                      .label = {}});
    }
  for (auto& [label, points] : series) {
    std::ranges::sort(points, {}, &report::Point::x);
    plot.series.push_back({label, report::Mark::line, std::move(points)});
  }
  return plot;
}

report::Document details_of(const RunRecord& run) {
  using report::Format;
  report::Document document{.title = fmt::format("run {}: {} of {}", run.id, run.info.command, run.info.model),
                            .facts = {{"when", local_time(run.started_ms)},
                                      {"status", word(run.status)},
                                      {"machine", run.info.machine},
                                      {"version", run.info.version},
                                      {"model hash", run.info.model_hash},
                                      {"configuration", short_configuration(run.info.configuration)}},
                            .elements = {},
                            .conclusion = {}};
  report::Table table{.title = "",
                      .columns = {{"metric", "", Format::text},
                                  {"value", "95%"},
                                  {"unit", "", Format::text},
                                  {"samples", "", Format::integer}},
                      .rows = {}};
  for (const Metric& metric : run.metrics)
    table.rows.push_back({metric.name, estimate(metric), metric.unit, static_cast<double>(metric.samples.size())});
  document.elements.push_back(std::move(table));
  return document;
}

Result<Report> history(HistoryFlags flags, const Context& context) {
  SW_ASSIGN(const auto path, History::default_path());
  SW_ASSIGN(History kept, History::open(path));
  if (flags.id > 0) {
    SW_ASSIGN(const RunRecord run, kept.get(flags.id));
    if (!flags.name.empty()) SW_TRY(kept.set_baseline(flags.name, flags.id));
    return make_report(json_of(run), details_of(run), flags.output, context);
  }
  if (flags.days > 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    flags.filter.since_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() -
                            static_cast<std::int64_t>(flags.days * 86400e3);
  }
  SW_ASSIGN(const std::vector<RunRecord> runs, kept.list(flags.filter));
  SW_ASSIGN(const auto baselines, kept.baselines());

  nlohmann::ordered_json json = {{"file", path.string()}, {"runs", nlohmann::ordered_json::array()}};
  for (const RunRecord& run : runs) json["runs"].push_back(json_of(run));
  json["baselines"] = nlohmann::ordered_json::object();
  for (const auto& [name, run] : baselines) json["baselines"][name] = run;

  report::Document document{.title = "history", .facts = {{"file", path.string()}}, .elements = {}, .conclusion = {}};
  if (runs.empty()) {
    document.conclusion = "No measurement matches. Each one is kept here: try speedwins bench demo";
    return make_report(std::move(json), document, flags.output, context);
  }
  if (!flags.metric.empty()) {
    auto plot = trend_of(runs, flags.metric);
    if (plot.series.empty()) {
      std::set<std::string> names;
      for (const RunRecord& run : runs)
        for (const Metric& metric : run.metrics) names.insert(metric.name);
      std::string list;
      for (const std::string& name : names) list += (list.empty() ? "one of " : ", ") + name;
      return fail(fmt::format("no run has a metric '{}'", flags.metric), "the history", list);
    }
    document.elements.push_back(std::move(plot));
  }
  document.elements.push_back(list_of(runs));
  if (!baselines.empty()) {
    std::string names;
    for (const auto& [name, run] : baselines)
      names += fmt::format("{}{} (run {})", names.empty() ? "" : ", ", name, run);
    document.elements.push_back(report::Note{"Baselines: " + names});
  }
  return make_report(std::move(json), document, flags.output, context);
}

}  // namespace

void add_history_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<HistoryFlags>();
  CLI::App* command = app.add_subcommand("history", "What was measured so far: lists, single runs, trends");
  CLI::Option* id = command->add_option("RUN", flags->id, "Show all of this run")->check(CLI::PositiveNumber);
  command->add_option("--name", flags->name, "Name RUN as a baseline for `speedwins regress`")->needs(id);
  command->add_option("--command", flags->filter.command, "Only runs of this command (bench, eval, ab, regress)");
  command->add_option("--model", flags->filter.model, "Only models whose name holds this");
  command->add_option("--machine", flags->filter.machine, "Only machines whose name holds this");
  command->add_option("--days", flags->days, "Only the last days")->check(CLI::PositiveNumber);
  command->add_option("--limit", flags->filter.limit, "The newest runs only; 0: all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command->add_option("--plot", flags->metric, "Plot this metric over the runs, such as decode_tok_s");
  command->add_option("--csv", flags->output.csv, "Write every value to this file, for spreadsheets")->group("Output");
  command->add_option("--html", flags->output.html, "Write a report to this file: one page that needs no network")
      ->group("Output");
  command->footer(
      "Every measurement is kept in an SQLite file in the data folder ($XDG_DATA_HOME, else ~/.local/share), sample\n"
      "by sample: what a killed run had measured is there as well, marked unfinished.\n"
      "\n"
      "Examples:\n"
      "  speedwins history\n"
      "  speedwins history --command bench --model demo --plot decode_tok_s --html trend.html\n"
      "  speedwins history 12 --name before-my-change\n"
      "  speedwins history --json | jq '.runs[0].metrics'");
  on_command(*command, context, [flags, &context] { return history(*flags, context); });
}

}  // namespace sw
