#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "commands.hpp"
#include "evaluation/counts.hpp"
#include "evaluation/perplexity.hpp"
#include "evaluation/sample_text.hpp"
#include "interrupt.hpp"
#include "measure/statistics.hpp"
#include "measure_speed.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "progress_line.hpp"

namespace sw {
namespace {

struct RegressFlags {
  SpeedPlan plan;
  std::string baseline, save;
  bool counts_only = false;
  double tolerance = 0.03;
  OutputFlags output;
};

/// Counts that differ by less are the same: they are sums of the same numbers.
constexpr double count_tolerance = 1e-6;
/// Perplexity moves this much with the mathematical library and the instruction set, not with the model.
constexpr double quality_tolerance = 2e-3;

Metric count(std::string name, std::string unit, double value) {
  return {.name = std::move(name),
          .unit = std::move(unit),
          .kind = MetricKind::count,
          .better = Better::lower,
          .value = value,
          .low = value,
          .high = value};
}

/// What a clock is not needed for: the same on a busy machine as on an idle one.
Result<std::vector<Metric>> counted(const SpeedPlan& plan, const std::atomic<bool>& stop) {
  SW_ASSIGN(const LoadedModel loaded, load_model(plan.model));
  SpeedWork work = plan.work;
  work.kv_type = plan.model.kv_type;
  SW_ASSIGN(SpeedRun run, SpeedRun::create(*loaded.model, *loaded.pool, work));
  SW_ASSIGN(const RecordedRun recorded, run.record(&stop));
  const WorkCounts prefill = counts_of(recorded.prefill), decode = counts_of(recorded.decode);
  const MemoryUse memory = run.memory();
  std::vector<Metric> metrics = {count("prefill_bytes_per_token", "bytes", prefill.bytes_per_token()),
                                 count("prefill_operations_per_token", "operations", prefill.operations_per_token()),
                                 count("prefill_ops_per_pass", "ops", prefill.ops_per_pass()),
                                 count("decode_bytes_per_token", "bytes", decode.bytes_per_token()),
                                 count("decode_operations_per_token", "operations", decode.operations_per_token()),
                                 count("decode_ops_per_pass", "ops", decode.ops_per_pass()),
                                 count("weight_bytes", "bytes", static_cast<double>(memory.weights)),
                                 count("state_bytes", "bytes", static_cast<double>(memory.state)),
                                 count("activation_bytes", "bytes", static_cast<double>(memory.activations))};
  if (!loaded.model->tokenizer) return metrics;

  // A short text: what it costs to read in tokens, and how well it is predicted.
  constexpr std::size_t text_bytes = 4000;
  constexpr int window = 128;
  SW_ASSIGN(const std::string text, sample_text());
  SW_ASSIGN(const std::vector<TokenId> tokens,
            loaded.model->tokenizer->encode(std::string_view(text).substr(0, text_bytes),
                                            {.add_special = true, .parse_special = false}));
  metrics.push_back(count("tokens_of_sample_text", "tokens", static_cast<double>(tokens.size())));
  if (loaded.model->spec.context < window) return metrics;
  SW_ASSIGN(TextScorer scorer, TextScorer::create(*loaded.model, *loaded.pool, window, plan.model.kv_type));
  std::vector<WindowLoss> losses;
  for (const TextWindow& part : cut_text(Convention::transformers, tokens.size(), window, window)) {
    SW_ASSIGN(const WindowLoss loss, scorer.loss(tokens, part, std::nullopt));
    losses.push_back(loss);
  }
  const double value = perplexity_of(losses).value;
  metrics.push_back({.name = "perplexity",
                     .unit = "",
                     .kind = MetricKind::quality,
                     .better = Better::lower,
                     .value = value,
                     .low = value,
                     .high = value});
  return metrics;
}

/// A baseline and what it was measured with.
struct Baseline {
  std::string name, machine, configuration, model_hash;
  std::vector<Metric> metrics;
};

const char* word(MetricKind kind) {
  return kind == MetricKind::timing ? "timing" : kind == MetricKind::count ? "count" : "quality";
}

std::string to_json(const Baseline& baseline) {
  nlohmann::ordered_json json = {
      {"machine", baseline.machine},
      {"model_hash", baseline.model_hash},
      {"configuration", nlohmann::ordered_json::parse(baseline.configuration, nullptr, false)},
      {"metrics", nlohmann::ordered_json::object()}};
  for (const Metric& m : baseline.metrics)
    json["metrics"][m.name] = {{"kind", word(m.kind)},
                               {"better", m.better == Better::lower ? "lower" : "higher"},
                               {"unit", m.unit},
                               {"value", m.value},
                               {"samples", m.samples}};
  return json.dump(2) + "\n";
}

/// A file that --save wrote.
Result<Baseline> read_baseline(const std::string& path) {
  SW_ASSIGN(const std::string text, read_text_file(path, 16u << 20));
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    Baseline baseline{.name = path,
                      .machine = json.at("machine"),
                      .configuration = json.at("configuration").dump(),
                      .model_hash = json.at("model_hash"),
                      .metrics = {}};
    for (const auto& [name, m] : json.at("metrics").items()) {
      const std::string kind = m.at("kind"), better = m.at("better");
      Metric metric{.name = name,
                    .unit = m.at("unit"),
                    .kind = kind == "timing"  ? MetricKind::timing
                            : kind == "count" ? MetricKind::count
                                              : MetricKind::quality,
                    .better = better == "higher" ? Better::higher : Better::lower,
                    .value = m.at("value"),
                    .samples = m.at("samples").get<std::vector<double>>()};
      metric.low = metric.high = metric.value;
      baseline.metrics.push_back(std::move(metric));
    }
    return baseline;
  } catch (const std::exception& exception) {
    return fail(fmt::format("is no baseline: {}", exception.what()), path,
                "a file that `speedwins regress --save FILE.json` wrote");
  }
}

bool is_file_name(const std::string& name) {
  return name.ends_with(".json");
}

Result<Baseline> find_baseline(const std::string& name) {
  if (is_file_name(name)) return read_baseline(name);
  SW_ASSIGN(const auto path, History::default_path());
  SW_ASSIGN(const History history, History::open(path));
  SW_ASSIGN(RunRecord run, history.baseline(name));
  return Baseline{.name = fmt::format("{} (run {})", name, run.id),
                  .machine = run.info.machine,
                  .configuration = run.info.configuration,
                  .model_hash = run.info.model_hash,
                  .metrics = std::move(run.metrics)};
}

enum class Finding : std::uint8_t { unchanged, better, worse, unclear };

struct Change {
  double ratio = 1;  ///< now / then
  Interval interval{1, 1};
  Finding finding = Finding::unchanged;
};

/// Beyond noise is a change whose interval leaves the tolerance; counts and quality have no noise but rounding.
Change change_of(const Metric& then, const Metric& now, double tolerance) {
  Change change;
  if (now.kind == MetricKind::timing && then.samples.size() >= 2 && now.samples.size() >= 2) {
    change.ratio = now.value / then.value;
    change.interval = bootstrap_ratio(now.samples, then.samples);
  } else {
    change.ratio = then.value != 0 ? now.value / then.value : now.value == 0 ? 1 : 2;
    change.interval = {change.ratio, change.ratio};
    tolerance = now.kind == MetricKind::count     ? count_tolerance
                : now.kind == MetricKind::quality ? quality_tolerance
                                                  : tolerance;
  }
  const bool up = change.interval.low > 1 + tolerance, down = change.interval.high < 1 / (1 + tolerance);
  if (up || down)
    change.finding = up == (now.better == Better::higher) ? Finding::better : Finding::worse;
  else if (change.interval.low < 1 / (1 + tolerance) || change.interval.high > 1 + tolerance)
    change.finding = Finding::unclear;
  return change;
}

/// Those fields of one configuration that are not the same in the other: "kv f32".
std::string difference(const std::string& of, const std::string& other) {
  const auto one = nlohmann::ordered_json::parse(of, nullptr, false),
             two = nlohmann::ordered_json::parse(other, nullptr, false);
  if (!one.is_object() || !two.is_object()) return of == other ? "" : of;
  std::string text;
  for (const auto& [key, value] : one.items())
    if (!two.contains(key) || two[key] != value)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                          value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

const char* word(Finding finding) {
  switch (finding) {
    case Finding::better:
      return "better";
    case Finding::worse:
      return "WORSE";
    case Finding::unclear:
      return "noise";
    case Finding::unchanged:
      break;
  }
  return "same";
}

struct Regressions {
  std::vector<std::string> worse, better, missing;
};

Result<Report> regress(RegressFlags flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  std::optional<Baseline> baseline;
  if (!flags.baseline.empty()) {
    SW_ASSIGN(baseline, find_baseline(flags.baseline));
  }
  progress.show("counting");
  SW_ASSIGN(std::vector<Metric> metrics, counted(flags.plan, stop));
  const std::string configuration = configuration_json(flags.plan.model, flags.plan.work),
                    hash = model_fingerprint(flags.plan.model.model);
  Recording recording(
      flags.output,
      {.command = "regress", .model = flags.plan.model.model, .model_hash = hash, .configuration = configuration});
  bool interrupted = false;
  if (!flags.counts_only) {
    const auto speed = measure_speed(
        flags.plan, {.progress = [&](const std::string& text) { progress.show(text); },
                     .sample = [&](const Metric& metric, double value) { recording.sample(metric, value); },
                     .stop = &stop});
    if (!speed) return std::unexpected(speed.error());
    interrupted = speed->interrupted;
    for (Metric& metric : speed->metrics()) metrics.push_back(std::move(metric));
  }
  recording.finish(metrics, interrupted ? RunStatus::interrupted : RunStatus::done);

  const Baseline now{
      .name = "now", .machine = machine_name(), .configuration = configuration, .model_hash = hash, .metrics = metrics};
  report::Document document{.title = fmt::format("regress of {}", flags.plan.model.model),
                            .facts = {{"machine", now.machine}},
                            .elements = {},
                            .conclusion = {}};
  nlohmann::ordered_json json = {
      {"model", flags.plan.model.model}, {"baseline", nullptr}, {"regressed", false}, {"interrupted", interrupted}};
  json["metrics"] = nlohmann::ordered_json::object();

  Regressions found;
  if (baseline) {
    json["baseline"] = baseline->name;
    document.facts.emplace_back("baseline", baseline->name);
    const auto differs = [&](const char* what, const std::string& then, const std::string& is) {
      if (then != is)
        document.elements.push_back(report::Note{
            fmt::format("The baseline has another {}: {} then, {} now.", what, then, is), report::Tone::warning});
    };
    differs("machine", baseline->machine, now.machine);
    differs("configuration", difference(baseline->configuration, now.configuration),
            difference(now.configuration, baseline->configuration));
    differs("model file", baseline->model_hash, now.model_hash);
    using report::Format;
    report::Table table{
        .title = "",
        .columns = {{"metric", "", Format::text}, {"then"}, {"now"}, {"now / then", "95%"}, {"", "", Format::text}},
        .rows = {}};
    for (const Metric& then : baseline->metrics) {
      const auto metric = std::ranges::find(metrics, then.name, &Metric::name);
      if (metric == metrics.end()) {
        // Timings may be left out with --counts-only; a count that is gone is a check that is gone.
        if (then.kind != MetricKind::timing) found.missing.push_back(then.name);
        continue;
      }
      const Change change = change_of(then, *metric, flags.tolerance);
      if (change.finding == Finding::worse) found.worse.push_back(then.name);
      if (change.finding == Finding::better) found.better.push_back(then.name);
      table.rows.push_back({then.name, then.value, metric->value,
                            report::Estimate{change.ratio, change.interval.low, change.interval.high},
                            word(change.finding)});
      json["metrics"][then.name] = {{"then", then.value},           {"now", metric->value},
                                    {"ratio", change.ratio},        {"low", change.interval.low},
                                    {"high", change.interval.high}, {"finding", word(change.finding)}};
    }
    document.elements.push_back(std::move(table));
  } else {
    report::Table table{
        .title = "",
        .columns = {{"metric", "", report::Format::text}, {"value", "95%"}, {"unit", "", report::Format::text}},
        .rows = {}};
    for (const Metric& m : metrics) {
      table.rows.push_back({m.name, report::Estimate{m.value, m.low, m.high}, m.unit});
      json["metrics"][m.name] = {{"now", m.value}};
    }
    document.elements.push_back(std::move(table));
  }

  const auto list = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  const bool regressed = !found.worse.empty() || !found.missing.empty();
  json["regressed"] = regressed;
  if (regressed) {
    document.conclusion = "Regressed: " + list(found.worse) +
                          (found.missing.empty() ? ""
                                                 : fmt::format("{}no longer measured: {}",
                                                               found.worse.empty() ? "" : "; ", list(found.missing)));
    document.tone = report::Tone::bad;
  } else if (baseline) {
    document.conclusion =
        "No regression." + (found.better.empty() ? "" : " Better: " + list(found.better) + ". Keep it with --save.");
    document.tone = report::Tone::good;
  }
  std::optional<Error> trouble;
  if (!flags.save.empty()) {
    const auto save = [&]() -> Status {
      if (is_file_name(flags.save)) {
        SW_ASSIGN(AtomicFile file, AtomicFile::create(flags.save));
        SW_TRY(file.write(to_json(now)));
        return file.commit();
      }
      if (recording.id() == 0)
        return fail("the result was not kept, so it cannot be a baseline", "the history", {},
                    "Leave --no-history out, or save to a file: --save FILE.json");
      SW_ASSIGN(const auto path, History::default_path());
      SW_ASSIGN(History history, History::open(path));
      return history.set_baseline(flags.save, recording.id());
    };
    if (const auto saved = save(); !saved)
      trouble = saved.error();
    else if (document.conclusion.empty())
      document.conclusion = fmt::format("Saved as {}. Compare later: speedwins regress {} --baseline {}", flags.save,
                                        flags.plan.model.model, flags.save);
  }
  SW_ASSIGN(Report report, make_report(std::move(json), document, flags.output, context));
  report.exit_code = regressed ? 1 : 0;
  if (trouble) report.error = trouble;
  return report;
}

}  // namespace

void add_regress_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<RegressFlags>();
  flags->plan.work = {.prompt_tokens = 128, .new_tokens = 64};
  flags->plan.seconds = 60;
  CLI::App* command = app.add_subcommand("regress", "Fail where anything got worse than a baseline");
  add_model_flags(*command, flags->plan.model);
  add_work_flags(*command, flags->plan.work);
  command->add_option("--baseline", flags->baseline,
                      "Compare with this: a name from the history, or a file *.json that --save wrote");
  command->add_option("--save", flags->save, "Keep the result under this name in the history, or in a file *.json");
  command->add_flag("--counts-only", flags->counts_only,
                    "No clock: bytes, operations, tokens, perplexity only; the same on any load");
  command->add_option("--tolerance", flags->tolerance, "How much slower is still no regression, beyond the noise")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command
      ->add_option("-r,--repetitions", flags->plan.repetitions,
                   "Repetitions (default: at least 5, until intervals are narrow)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seconds", flags->plan.seconds, "Without -r: stop after so long at the latest")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  add_output_flags(*command, flags->output);
  command->footer(
      "Exit code 1 when something regressed. Timings count when the interval of their ratio (bootstrap, 95%) lies\n"
      "beyond the tolerance; counts when they grew at all; perplexity beyond 0.2%. A count can be checked in CI on\n"
      "the busiest machine. Counts depend on the instruction set: SPEEDWINS_ISA fixes it.\n"
      "\n"
      "Examples:\n"
      "  speedwins regress demo --save before\n"
      "  speedwins regress demo --baseline before\n"
      "  SPEEDWINS_ISA=reference speedwins regress demo --counts-only --baseline tests/regress/demo.json");
  on_command(*command, context, [flags, &context] { return regress(*flags, context); });
}

}  // namespace sw
