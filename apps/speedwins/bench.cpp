#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "commands.hpp"
#include "interrupt.hpp"
#include "measure/machine_cache.hpp"
#include "measure/profile.hpp"
#include "measure/statistics.hpp"
#include "measure_speed.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "progress_line.hpp"

namespace sw {
namespace {

struct BenchFlags {
  SpeedPlan plan;
  OutputFlags output;
};

/// Bandwidth a phase reached, and what the machine allows.
struct Reached {
  double gb_s = 0, limit_gb_s = 0;
  bool in_cache = false;
  double fraction() const { return limit_gb_s > 0 ? gb_s / limit_gb_s : 0; }
};

Reached decode_bandwidth(const SpeedMeasurement& m, const SpeedWork& work, const MeasuredMachine& machine) {
  const double per_pass = m.decode.passes > 0 ? m.decode.bytes / m.decode.passes : 0;
  const Roof roof = roof_for(machine.limits, machine.machine.last_level_bytes(), m.threads, per_pass);
  return {per_pass * median(m.decode_tok_s) / work.batch / 1e9, roof.bandwidth_gb_s(), roof.in_cache};
}

/// The steps of one request, in their order; times in milliseconds.
struct Step {
  const char *key, *label;
  double ms;
};
std::vector<Step> steps_of(const SpeedMeasurement& m) {
  const double load = median(m.load_ms), total = median(m.total_ms);
  return {{"load_ms", "load", load},
          {"tokenize_ms", "tokenize", median(m.tokenize_ms)},
          {"queue_ms", "queue", median(m.queue_ms)},
          {"prefill_ms", "prefill", median(m.prefill_ms)},
          {"first_token_ms", "first token", median(m.ttft_ms)},
          {"inter_token_p50_ms", "inter-token p50", quantile(m.inter_token_ms, 0.5)},
          {"inter_token_p90_ms", "inter-token p90", quantile(m.inter_token_ms, 0.9)},
          {"inter_token_p99_ms", "inter-token p99", quantile(m.inter_token_ms, 0.99)},
          {"decode_ms", "all other tokens", median(m.decode_ms)},
          {"total_ms", "total with load", load + total}};
}

struct Owner {
  const char *key, *label;
  double bytes;
};
std::vector<Owner> owners_of(const SpeedMeasurement& m) {
  const double peak = median(m.peak_rss_bytes);
  const auto weights = static_cast<double>(m.memory.weights), state = static_cast<double>(m.memory.state),
             activations = static_cast<double>(m.memory.activations);
  return {{"weights", "weights", weights},
          {"state", "keys, values, states", state},
          {"activations", "activations", activations},
          {"other", "program, vocabulary, file", std::max(0.0, peak - weights - state - activations)},
          {"peak", "peak, resident", peak}};
}

report::Document document_of(const BenchFlags& flags, const SpeedMeasurement& m, const Reached& reached,
                             const std::string& machine) {
  using namespace report;
  const SpeedWork& work = flags.plan.work;
  Document document{
      .title = fmt::format("bench of {}", flags.plan.model.model), .facts = {}, .elements = {}, .conclusion = {}};
  document.facts = {{"machine", machine},
                    {"work", fmt::format("{} prompt tokens, {} new ones, batch {}, {} threads", work.prompt_tokens,
                                         work.new_tokens, work.batch, m.threads)},
                    {"runs", fmt::format("{} repetitions after one to warm up{}; the model is loaded anew for each",
                                         m.repetitions(), m.interrupted ? ", interrupted" : "")}};
  Table speed{.title = "Medians with 95% intervals",
              .columns = {{"", "", Format::text}, {"median"}, {"unit", "", Format::text}, {"min"}, {"max"}},
              .rows = {}};
  const auto row = [&](const char* label, const Metric& metric, double scale, const char* unit) {
    const auto [min, max] = std::ranges::minmax(metric.samples);
    speed.rows.push_back({label, Estimate{metric.value * scale, metric.low * scale, metric.high * scale}, unit,
                          min * scale, max * scale});
  };
  const auto metrics = m.metrics();
  row("prefill", metrics[0], 1, "tok/s");
  row("decode", metrics[1], 1, "tok/s");
  row("first token", metrics[2], 1, "ms");
  row("load", metrics[3], 1, "ms");
  row("peak memory", metrics[4], 1e-6, "MB");
  if (!m.joules.empty()) {
    std::vector<double> per_token;
    for (const double joules : m.joules) per_token.push_back(joules / work.batch / work.new_tokens);
    row("energy", timing_metric("", "", Better::lower, per_token), 1, "J per new token");
  }
  document.elements.push_back(std::move(speed));

  Table steps{
      .title = "One request, step by step",
      .columns = {{"", "", Format::text}, {"time", "ms"}, {"of the total", "", Format::bar}},
      .rows = {},
      .caption = work.batch > 1 ? "Times of the whole batch; queue: until its last sequence is in a pass." : ""};
  const auto all = steps_of(m);
  for (const Step& step : all) steps.rows.push_back({step.label, step.ms, step.ms / all.back().ms});
  document.elements.push_back(std::move(steps));

  Table memory{.title = "Memory by owner",
               .columns = {{"", "", Format::text}, {"size", "", Format::bytes}, {"of the peak", "", Format::bar}},
               .rows = {}};
  const auto owners = owners_of(m);
  for (const Owner& owner : owners)
    memory.rows.push_back({owner.label, owner.bytes, owner.bytes / owners.back().bytes});
  document.elements.push_back(std::move(memory));
  if (!m.no_energy.empty()) document.elements.push_back(Note{fmt::format("Energy is not measured: {}.", m.no_energy)});

  document.conclusion = fmt::format(
      "{} reads a prompt at {} tok/s and writes at {} tok/s; each decode step reads {}, {} GB/s, {:.0f}% of what this "
      "machine's {} allows {} threads.",
      flags.plan.model.model, show_number(median(m.prefill_tok_s)), show_number(median(m.decode_tok_s)),
      show_bytes(m.decode.passes > 0 ? m.decode.bytes / m.decode.passes : 0), show_number(reached.gb_s),
      100 * reached.fraction(), reached.in_cache ? "cache" : "memory", m.threads);
  return document;
}

nlohmann::ordered_json json_of(const BenchFlags& flags, const SpeedMeasurement& m, const Reached& reached) {
  const SpeedWork& work = flags.plan.work;
  nlohmann::ordered_json json = {
      {"model", flags.plan.model.model}, {"threads", m.threads}, {"prompt_tokens", work.prompt_tokens},
      {"new_tokens", work.new_tokens},   {"batch", work.batch},  {"repetitions", m.repetitions()},
      {"interrupted", m.interrupted}};
  for (const Metric& metric : m.metrics()) json[metric.name] = metric_json(metric);
  for (const Step& step : steps_of(m)) json["breakdown"][step.key] = step.ms;
  for (const Owner& owner : owners_of(m)) json["memory_bytes"][owner.key] = owner.bytes;
  json["decode_bandwidth"] = {
      {"gb_s", reached.gb_s}, {"limit_gb_s", reached.limit_gb_s}, {"fraction_of_limit", reached.fraction()}};
  json["counts"] = {{"prefill_bytes_per_token", m.prefill.bytes_per_token()},
                    {"prefill_operations_per_token", m.prefill.operations_per_token()},
                    {"decode_bytes_per_token", m.decode.bytes_per_token()},
                    {"decode_operations_per_token", m.decode.operations_per_token()},
                    {"decode_ops_per_pass", m.decode.ops_per_pass()}};
  if (m.joules.empty())
    json["energy_joules"] = nullptr;
  else
    json["energy_joules"] = metric_json(timing_metric("", "", Better::lower, m.joules));
  return json;
}

Result<Report> bench(const BenchFlags& flags, const Context& context) {
  ProgressLine progress;
  const std::atomic<bool>& stop = catch_interrupt();
  const MeasuredMachine machine = measured_machine(
      SPEEDWINS_VERSION, false, [&](std::string_view what) { progress.show(fmt::format("measuring {}", what)); });
  const SpeedPlan& plan = flags.plan;
  std::unique_ptr<Recording> recording;
  const auto measured = measure_speed(
      plan, {.progress = [&](const std::string& text) { progress.show(text); },
             .sample =
                 [&](const Metric& metric, double value) {
                   // Begun with the first sample: what fails before it leaves nothing behind.
                   if (!recording)
                     recording = std::make_unique<Recording>(
                         flags.output, RunInfo{.command = "bench",
                                               .model = plan.model.model,
                                               .model_hash = model_fingerprint(plan.model.model),
                                               .configuration = configuration_json(plan.model, plan.work)});
                   recording->sample(metric, value);
                 },
             .stop = &stop});
  if (!measured) return std::unexpected(measured.error());
  const SpeedMeasurement& m = *measured;
  recording->finish(m.metrics(), m.interrupted ? RunStatus::interrupted : RunStatus::done);
  const Reached reached = decode_bandwidth(m, plan.work, machine);
  return make_report(json_of(flags, m, reached), document_of(flags, m, reached, machine_name()), flags.output, context);
}

}  // namespace

void add_bench_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure load, prefill, decode, first token, memory and energy");
  add_model_flags(*command, flags->plan.model);
  add_work_flags(*command, flags->plan.work);
  command
      ->add_option("-r,--repetitions", flags->plan.repetitions,
                   "Repetitions, after one that is not counted (default: at least 5, until intervals are narrow)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seconds", flags->plan.seconds, "Without -r: stop after so long at the latest")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command
      ->add_option("--precision", flags->plan.precision, "Without -r: stop when prefill and decode are known to this")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  add_output_flags(*command, flags->output);
  command->footer(
      "Every repetition loads the model anew. first token: until every sequence of the batch has one, tokenizing\n"
      "included. peak memory: resident pages of this process, those mapped from the file included. In brackets:\n"
      "the interval that holds the median 95 times in 100 (bootstrap). Ctrl-C shows and keeps what there is.\n"
      "\n"
      "Examples:\n"
      "  speedwins bench demo\n"
      "  speedwins bench model.gguf -p 512 -n 128 -b 1 -t 2 -r 5\n"
      "  speedwins bench model.gguf --html bench.html\n"
      "  speedwins bench model.gguf -b 16 --json | jq .decode_tok_s.median");
  on_command(*command, context, [flags, &context] { return bench(*flags, context); });
}

}  // namespace sw
