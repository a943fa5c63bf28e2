#pragma once

#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "measure/history.hpp"
#include "measure/report.hpp"

namespace sw {

/// The flags of every command that measures.
struct OutputFlags {
  std::string csv, html;
  bool history = true;
};
/// --csv, --html and --no-history. `--json` belongs to every command already.
void add_output_flags(CLI::App& command, OutputFlags& flags);

/// A run as it is recorded. A history that cannot be written costs a line on standard error, never the measurement:
/// after the first failure nothing more is tried.
class Recording {
 public:
  /// Begins a run in the user's history; `machine` and `version` of `info` are filled in.
  Recording(const OutputFlags& flags, RunInfo info);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void sample(const Metric& metric, double value);
  void finish(const std::vector<Metric>& metrics, RunStatus status = RunStatus::done);
  /// Of the run in the history; 0 when it is not recorded.
  std::int64_t id() const { return id_; }

 private:
  Status begin(const RunInfo& info);
  void give_up(const Error& error);

  std::unique_ptr<History> history_;
  std::int64_t id_ = 0;
};

/// "AMD EPYC 9R14, 2 threads": whose results compare.
std::string machine_name();

/// A metric from its samples: median and 95 % interval. `samples` must not be empty.
Metric timing_metric(std::string name, std::string unit, Better better, std::vector<double> samples);
/// {"median", "min", "max", "low", "high", "samples"}: how a metric looks in every command's JSON.
nlohmann::ordered_json metric_json(const Metric& metric);

/// What a command hands back: `json` for --json, `document` for the terminal, and both files where they were asked for;
/// `page_only` follows in these, charts that a terminal has no room for. A file that cannot be written is an Error
/// after the results were printed.
Result<Report> make_report(nlohmann::ordered_json json, report::Document document, const OutputFlags& flags,
                           const Context& context, std::vector<report::Element> page_only = {});

}  // namespace sw
