#include "training.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "base/file.hpp"
#include "interrupt.hpp"
#include "measure/history.hpp"
#include "measure/machine_cache.hpp"
#include "measure/report.hpp"
#include "measure/statistics.hpp"
#include "measure/stopwatch.hpp"
#include "peak_memory.hpp"
#include "progress_line.hpp"
#include "train/group.hpp"
#include "train/publish.hpp"

namespace sw {
namespace {

using train::Step;

/// Operations per second that this machine's products can reach with so many threads.
double peak_flops(const train::Recipe& recipe, int threads, ProgressLine& progress) {
  const MeasuredMachine machine = measured_machine(SPEEDWINS_VERSION, false, [&](std::string_view what) {
    progress.show(fmt::format("measuring the machine: {}", what));
  });
  const ThreadLimits& limits = machine.limits.at(threads);
  const bool bf16 = recipe.run.precision == train::Precision::bf16 && limits.bf16_gop_s > 0;
  return 1e9 * (bf16 ? limits.bf16_gop_s : limits.fp32_gop_s);
}

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string describe(const Step& step, std::int64_t steps, double tok_s, double share) {
  const double left = static_cast<double>(steps - step.step) * static_cast<double>(step.tokens) /
                      static_cast<double>(step.step) / tok_s;
  std::string text = fmt::format("step {}/{}  loss {:.4f}", step.step, steps, step.loss);
  if (!std::isnan(step.validation)) text += fmt::format("  validation {:.4f}", step.validation);
  return text + fmt::format("  rate {:.2e}  {:.0f} tok/s  {:.0f} % of the FLOP limit  {} left", step.rate, tok_s,
                            100 * share, duration(left));
}

/// Means of equal stretches, so that a long run's curve stays readable.
report::Series losses(const std::vector<Step>& curve) {
  constexpr std::size_t most = 400;
  const std::size_t stretch = (curve.size() + most - 1) / most;
  report::Series series{"training", report::Mark::line, {}};
  for (std::size_t begin = 0; begin < curve.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, curve.size());
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += curve[i].loss;
    series.points.push_back({static_cast<double>(curve[end - 1].step), sum / static_cast<double>(end - begin)});
  }
  return series;
}

report::Series validations(const std::vector<Step>& curve) {
  report::Series series{"validation", report::Mark::line, {}};
  for (const Step& step : curve)
    if (!std::isnan(step.validation)) series.points.push_back({static_cast<double>(step.step), step.validation});
  return series;
}

struct Speed {
  double tok_s = 0;  ///< median over the steps of this call
  double share = 0;  ///< of the machine's limit
  std::vector<double> samples;
};

report::Document document(const train::Recipe& recipe, const train::TrainOutcome& outcome, const Speed& speed,
                          double seconds) {
  const Step& last = outcome.curve.back();
  report::Document out;
  out.title = fmt::format("training of {}", recipe.name);
  out.facts = {{"recipe", recipe.file.string()},
               {"parameters", std::to_string(outcome.parameters)},
               {"steps", fmt::format("{} of {}", last.step, recipe.run.steps)},
               {"tokens", std::to_string(last.tokens)},
               {"speed", fmt::format("{:.0f} tok/s, {:.0f} % of the FLOP limit", speed.tok_s, 100 * speed.share)},
               {"memory of activations", report::show_bytes(static_cast<double>(outcome.activation_bytes))},
               {"time of this call", duration(seconds)}};
  report::Plot plot{"Loss", {"step", false}, {"nats per token", true}, {losses(outcome.curve)}, {}};
  if (report::Series points = validations(outcome.curve); !points.points.empty())
    plot.series.push_back(std::move(points));
  out.elements.emplace_back(std::move(plot));
  report::Plot rates{"Learning rate", {"step", false}, {"rate", false}, {{"rate", report::Mark::line, {}}}, {}};
  for (std::size_t i = 0; i < outcome.curve.size(); i += outcome.curve.size() / 200 + 1)
    rates.series[0].points.push_back({static_cast<double>(outcome.curve[i].step), outcome.curve[i].rate});
  out.elements.emplace_back(std::move(rates));
  out.conclusion = fmt::format("{} after {} steps: loss {:.4f}", recipe.name, last.step, last.loss);
  if (!std::isnan(outcome.validation)) out.conclusion += fmt::format(", validation {:.4f}", outcome.validation);
  return out;
}

/// A history that cannot be written must not cost a trained model: it is said, and no more.
void record(const train::Recipe& recipe, const char* command, const train::TrainOutcome& outcome, const Speed& speed,
            const Machine& machine) {
  const auto recorded = [&]() -> Status {
    SW_ASSIGN(const auto path, History::default_path());
    SW_ASSIGN(History history, History::open(path));
    SW_ASSIGN(const std::int64_t run,
              history.begin({.command = command,
                             .version = SPEEDWINS_VERSION,
                             .machine = fmt::format("{}, {} threads", machine.cpu, machine.hardware_threads),
                             .model = recipe.name,
                             .model_hash = {},
                             .configuration = nlohmann::json{{"recipe", recipe.file.string()}}.dump()}));
    std::vector<Metric> metrics = {{.name = "tok_s",
                                    .unit = "tok/s",
                                    .kind = MetricKind::timing,
                                    .better = Better::higher,
                                    .value = speed.tok_s,
                                    .low = speed.tok_s,
                                    .high = speed.tok_s,
                                    .samples = speed.samples}};
    const auto quality = [&](const char* name, double value) {
      metrics.push_back({.name = name,
                         .unit = "nats/token",
                         .kind = MetricKind::quality,
                         .value = value,
                         .low = value,
                         .high = value});
    };
    quality("loss", outcome.curve.back().loss);
    if (!std::isnan(outcome.validation)) quality("validation_loss", outcome.validation);
    return history.finish(run, metrics, outcome.finished ? RunStatus::done : RunStatus::interrupted);
  }();
  if (!recorded) fmt::print(stderr, "speedwins: not recorded in the history: {}\n", recorded.error().message());
}

Status write_text(const std::filesystem::path& path, const std::string& text) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SW_TRY(file.write(text));
  return file.commit();
}

}  // namespace

void add_training_flags(CLI::App& command, TrainingFlags& flags) {
  command.add_option("RECIPE", flags.recipe, "A TOML file; see recipes/")->required()->check(CLI::ExistingFile);
  command.add_option("-t,--threads", flags.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--publish", flags.publish, "At the end write OUT/NAME, a Hugging Face folder, and OUT/NAME.gguf");
}

Result<Report> run_training(const TrainingFlags& flags, const char* command,
                            const std::function<Status(const train::Recipe&, const train::Workspace&, ThreadPool&,
                                                       const std::atomic<bool>&)>& before) {
  SW_ASSIGN(const train::Recipe recipe, train::read_recipe(flags.recipe));
  SW_ASSIGN(const std::unique_ptr<train::Group> group, train::join_group());
  // The others of a group have nothing to add to what rank 0 says.
  if (!group->leads() && !std::freopen("/dev/null", "w", stdout)) return fail("there is no /dev/null");
  ThreadPool pool(flags.threads);
  ProgressLine progress;
  const std::atomic<bool>& stop = catch_interrupt();
  const auto note = [&](std::string_view text) {
    if (group->leads()) progress.finish(fmt::format("{}: {}", recipe.name, text));
  };
  // Rank 0 prepares what the others then find on the disk.
  if (!group->leads()) SW_TRY(group->wait());
  SW_ASSIGN(train::Workspace space, train::prepare(recipe, note));
  note(fmt::format("{} parameters, {} training tokens, {} for validation", space.parameters.count(),
                   space.train.tokens(), space.validation.tokens()));
  if (group->leads()) {
    SW_TRY(before(recipe, space, pool, stop));
    SW_TRY(group->wait());
  }
  const double peak = group->leads() ? group->size() * peak_flops(recipe, pool.size(), progress) : 0;

  Speed speed;
  double recent = 0, share = 0;
  const Stopwatch stopwatch;
  const auto on_step = [&](const Step& step, std::int64_t steps) {
    if (!group->leads()) return;
    speed.samples.push_back(step.tok_s);
    recent = recent == 0 ? step.tok_s : 0.9 * recent + 0.1 * step.tok_s;
    share = peak > 0 ? recent * step.flops / step.tok_s / peak : 0;
    const std::string text = describe(step, steps, recent, share);
    if (std::isnan(step.validation) && step.step != 1)
      progress.show(text);
    else
      progress.finish(text);
  };
  SW_ASSIGN(const train::TrainOutcome outcome,
            train::train(recipe, space, pool, {.on_step = on_step, .note = note, .stop = &stop, .group = group.get()}));
  SW_TRY(group->leave());
  if (!group->leads()) return Report{};
  if (outcome.curve.empty()) return fail("there was nothing to do", recipe.file.string());
  if (speed.samples.empty()) speed.samples.push_back(outcome.curve.back().tok_s);
  speed.tok_s = median(speed.samples);
  speed.share = share;

  const report::Document doc = document(recipe, outcome, speed, stopwatch.ms() / 1e3);
  const std::filesystem::path html = recipe.out / "report.html";
  SW_TRY(write_text(html, report::to_html(doc)));
  record(recipe, command, outcome, speed, identify_machine());
  const std::filesystem::path folder = recipe.out / recipe.name;
  const bool published = flags.publish && outcome.finished;
  if (published) SW_TRY(train::publish(space, folder, pool));

  const Step& last = outcome.curve.back();
  Report report;
  report.json = {{"recipe", recipe.file.string()},
                 {"name", recipe.name},
                 {"finished", outcome.finished},
                 {"steps", last.step},
                 {"tokens", last.tokens},
                 {"parameters", outcome.parameters},
                 {"loss", last.loss},
                 {"validation_loss", std::isnan(outcome.validation) ? nlohmann::ordered_json()
                                                                    : nlohmann::ordered_json(outcome.validation)},
                 {"tok_s", speed.tok_s},
                 {"flop_limit_share", speed.share},
                 {"activation_bytes", outcome.activation_bytes},
                 {"peak_rss_bytes", peak_memory_bytes()},
                 {"report", html.string()}};
  if (published) report.json["published"] = {folder.string(), folder.string() + ".gguf"};
  report.text = report::to_terminal(doc) + fmt::format("\nreport: {}\n", html.string());
  if (!outcome.finished) report.text += fmt::format("Stopped and saved; the same command goes on.\n");
  if (published) report.text += fmt::format("published: {0}, {0}.gguf\n", folder.string());
  return report;
}

}  // namespace sw
