#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/thread_pool.hpp"
#include "baseline/document.hpp"
#include "baseline/small_models.hpp"
#include "baseline_json.hpp"
#include "commands.hpp"
#include "conversion.hpp"
#include "evaluation/task_run.hpp"
#include "hub/catalogue.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "measure/machine_cache.hpp"
#include "measure_speed.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "progress_line.hpp"
#include "tasks/suite.hpp"

namespace sw {
namespace {

struct BaselineFlags {
  std::vector<std::string> models;
  std::string quant = "Q4_0";
  SpeedWork work{.prompt_tokens = 128, .new_tokens = 32};
  int threads = 0, per_cell = 0;
  double enough = 0.8;
  bool quick = false, speed_only = false, discard = false;
  OutputFlags output;
};

report::Estimate estimate(const Metric& metric) {
  return {metric.value, metric.low, metric.high};
}

BaselineSpeed to_speed(const SpeedMeasurement& measurement, const SpeedWork& work) {
  const auto metric = [](const char* name, Better better, const std::vector<double>& samples) {
    return estimate(timing_metric(name, "", better, samples));
  };
  BaselineSpeed speed{.load_ms = metric("load_ms", Better::lower, measurement.load_ms),
                      .ttft_ms = metric("ttft_ms", Better::lower, measurement.ttft_ms),
                      .prefill_tok_s = metric("prefill_tok_s", Better::higher, measurement.prefill_tok_s),
                      .decode_tok_s = metric("decode_tok_s", Better::higher, measurement.decode_tok_s),
                      .memory_bytes = *std::ranges::max_element(measurement.peak_rss_bytes)};
  if (!measurement.joules.empty())
    speed.joules_per_token = median(measurement.joules) / (work.prompt_tokens + work.new_tokens);
  return speed;
}

/// One command's worth of state: what was asked for, and what was found so far.
class Baseline {
 public:
  Baseline(BaselineFlags flags, const std::atomic<bool>& stop) : flags_(std::move(flags)), stop_(stop) {
    setup_ = {.prompt_tokens = flags_.work.prompt_tokens,
              .new_tokens = flags_.work.new_tokens,
              .threads = flags_.threads > 0 ? flags_.threads : available_threads(),
              .enough = flags_.enough};
  }

  Result<Report> run(const Context& context) {
    SW_ASSIGN(const FileType* type, parse_file_type(flags_.quant));
    SW_ASSIGN(const auto suite, task_suite());
    suite_ = choose_items(suite, flags_.per_cell > 0 ? flags_.per_cell : flags_.quick ? 4 : 0);
    for (const std::string& name : flags_.models) {
      if (stop_) break;
      rows_.push_back({.model = name, .weights = {}, .real = false, .speed = {}, .scores = {}});
      // One model that cannot be measured does not take the others with it.
      if (const Status measured = measure(name, *type, rows_.back()); !measured)
        rows_.back().error = measured.error().message();
    }
    setup_.interrupted = stop_;
    SW_ASSIGN(Report report, make_report(baseline_json(setup_, rows_, suite_), baseline_document(setup_, rows_, suite_),
                                         flags_.output, context));
    if (std::ranges::none_of(rows_, [](const BaselineRow& row) { return row.speed.has_value(); })) report.exit_code = 1;
    return report;
  }

 private:
  Status measure(const std::string& name, const FileType& type, BaselineRow& row) {
    SW_ASSIGN(const ChosenWeights weights, choose_weights(name, type));
    row.weights = weights.text;
    row.real = weights.real;
    const ModelFlags model{.model = weights.model, .threads = flags_.threads};
    Recording recording(flags_.output, {.command = "baseline",
                                        .version = {},
                                        .machine = {},
                                        .model = name,
                                        .model_hash = model_fingerprint(weights.model),
                                        .configuration = configuration_json(model, flags_.work)});
    const Status measured = measure_model(model, row, recording);
    if (!measured) recording.finish({}, RunStatus::interrupted);
    if (flags_.discard && !weights.real) std::filesystem::remove(weights.model);
    return measured;
  }

  Result<ChosenWeights> choose_weights(const std::string& name, const FileType& type) {
    const SmallModel* small = find_small_model(name);
    if (!small) {
      if (const auto found = find_model(name); !found) return std::unexpected(found.error());
      return ChosenWeights{name, true, name};
    }
    if (auto pulled = pulled_weights(*small)) return *pulled;
    SW_ASSIGN(const auto folder, cache_folder());
    ThreadPool pool(flags_.threads);
    return random_weights(*small, type, folder / "synth", pool, write_progress("writing " + name));
  }

  Status measure_model(const ModelFlags& model, BaselineRow& row, Recording& recording) {
    ProgressLine progress;
    SpeedPlan plan{.model = model, .work = flags_.work, .repetitions = flags_.quick ? 2 : 0, .seconds = 30};
    const SpeedHooks hooks{
        .progress = [&](const std::string& text) { progress.show(fmt::format("{}: {}", row.model, text)); },
        .sample = [&](const Metric& metric, double value) { recording.sample(metric, value); },
        .stop = &stop_};
    SW_ASSIGN(const SpeedMeasurement measurement, measure_speed(plan, hooks));
    row.speed = to_speed(measurement, flags_.work);
    setup_.no_energy = measurement.no_energy;
    std::vector<Metric> metrics = measurement.metrics();
    if (row.real && !flags_.speed_only && !stop_) {
      SW_TRY(ask(model, row, progress));
      const Score score = row.scores.total();
      metrics.push_back({.name = "tasks_right",
                         .unit = "",
                         .kind = MetricKind::quality,
                         .better = Better::higher,
                         .value = score.share(),
                         .low = score.interval().low,
                         .high = score.interval().high,
                         .samples = {}});
    }
    recording.finish(metrics, stop_ ? RunStatus::interrupted : RunStatus::done);
    return {};
  }

  Status ask(const ModelFlags& flags, BaselineRow& row, ProgressLine& progress) {
    SW_ASSIGN(const LoadedModel loaded, load_model(flags));
    SW_ASSIGN(TaskRunner runner, TaskRunner::create(*loaded.model, *loaded.pool, flags.kv_type));
    for (std::size_t i = 0; i < suite_.size() && !stop_; ++i) {
      const auto outcome = runner.ask(suite_[i], &stop_);
      if (stop_) break;  // cut short, it is no answer
      if (!outcome) ++row.did_not_fit;
      row.scores.add(suite_[i], outcome && outcome->right);
      progress.show(
          fmt::format("{}: question {} of {}, {} right", row.model, i + 1, suite_.size(), row.scores.total().right));
    }
    return {};
  }

  BaselineFlags flags_;
  const std::atomic<bool>& stop_;
  BaselineSetup setup_;
  std::vector<TaskItem> suite_;
  std::vector<BaselineRow> rows_;
};

}  // namespace

void add_baseline_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<BaselineFlags>();
  for (const SmallModel& small : small_models()) flags->models.emplace_back(small.name);
  CLI::App* command = app.add_subcommand("baseline", "The small models side by side, and the smallest that suffices");
  command->add_option("--models", flags->models, "Names of the table, files, folders or pulled models, smallest first")
      ->delimiter(',')
      ->capture_default_str();
  command->add_flag("--quick", flags->quick, "Two repetitions, and four questions of each kind and grade");
  command->add_flag("--speed-only", flags->speed_only, "Ask no questions");
  command->add_option("--questions", flags->per_cell, "Of each kind and grade (default: all 20)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--enough", flags->enough, "The share of right answers that is good enough")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--quant", flags->quant, "Type of random weights, where a model was not pulled")
      ->capture_default_str();
  command->add_flag("--discard", flags->discard, "Delete random weights after they were measured");
  command->add_option("-p,--prompt-tokens", flags->work.prompt_tokens, "For speed")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("-n,--new-tokens", flags->work.new_tokens, "For speed")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command->add_option("-t,--threads", flags->threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  add_output_flags(*command, flags->output);
  command->footer(
      "A model of the table that was pulled is measured with its own weights and asked the task suite: 480 graded\n"
      "questions (content/tasks). Of the others the exact shape is measured with random weights, written once to the\n"
      "cache folder ($XDG_CACHE_HOME, else ~/.cache) after checking that disk and memory have room.\n"
      "Ctrl-C shows what there is.\n"
      "\n"
      "Examples:\n"
      "  speedwins baseline --quick --models demo,smollm2-135m\n"
      "  speedwins pull Qwen/Qwen2.5-0.5B-Instruct-GGUF && speedwins baseline --models demo,qwen2.5-0.5b\n"
      "  speedwins baseline --html baseline.html --json > baseline.json");
  on_command(*command, context,
             [flags, &context]() -> Result<Report> { return Baseline(*flags, catch_interrupt()).run(context); });
}

}  // namespace sw
