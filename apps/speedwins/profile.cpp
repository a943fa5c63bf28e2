#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "commands.hpp"
#include "interrupt.hpp"
#include "measure/comparison.hpp"
#include "measure/machine_cache.hpp"
#include "measure/profile.hpp"
#include "measure/statistics.hpp"
#include "measure/stopwatch.hpp"
#include "measure/trace.hpp"
#include "measure_speed.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "profile_modules.hpp"
#include "progress_line.hpp"

namespace sw {
namespace {

struct ProfileFlags {
  ModelFlags model;
  SpeedWork work{.prompt_tokens = 512, .new_tokens = 32};
  bool by_layer = false;
  std::string trace;
  OutputFlags output;
};

/// Time of the two phases without what lies around them.
double phases_ms(const SpeedSample& sample) {
  return sample.prefill_ms + sample.decode_ms;
}

double duration_ms(const PhaseSpans& phase) {
  double ms = 0;
  for (const PassRecord& pass : phase.passes) ms += static_cast<double>(pass.end_ns - pass.begin_ns) / 1e6;
  return ms;
}

/// Of all rounds, the one with the median time of a phase: its ops add up, which medians of ops would not.
PhaseTrace median_round(std::vector<PhaseSpans> rounds, const char* name) {
  std::ranges::sort(rounds, {}, duration_ms);
  PhaseSpans& middle = rounds[rounds.size() / 2];
  return {.name = name, .passes = std::move(middle.passes), .spans = std::move(middle.spans)};
}

/// What recording costs.
struct SpanCost {
  double ns = 0;     ///< of one span
  double share = 0;  ///< of a decode pass
  Ratio on_off;      ///< whole runs with spans / without, in pairs
};

double nanoseconds_per_span() {
  constexpr int n = 1000, repetitions = 50;
  Spans spans;
  spans.reserve(n);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repetitions; ++i) {
    spans.clear();
    const Stopwatch stopwatch;
    spans.start(SpanClock::now());
    for (int k = 0; k < n; ++k) const Span span(&spans, "cost", -1, 0, 0);
    best = std::min(best, stopwatch.ms() * 1e6 / n);
  }
  return best;
}

struct Recorded {
  std::vector<PhaseTrace> traces;
  SpanCost cost;
  bool interrupted = false;
};

/// Runs with spans and without, in turn, until there is enough time in them.
Result<Recorded> record(const ProfileFlags& flags, const LoadedModel& loaded, ProgressLine& progress,
                        const std::atomic<bool>& stop) {
  constexpr double enough_ms = 3000;
  constexpr std::size_t least_rounds = 3, most_rounds = 200;
  SpeedWork work = flags.work;
  work.kv_type = flags.model.kv_type;
  SW_ASSIGN(SpeedRun run, SpeedRun::create(*loaded.model, *loaded.pool, work));
  progress.show("warming up");
  if (const auto warm_up = run.run(&stop); !warm_up) return std::unexpected(warm_up.error());
  std::vector<PhaseSpans> prefill, decode;
  std::vector<double> with_spans, without;
  Recorded recorded;
  const Stopwatch stopwatch;
  while (prefill.size() < least_rounds || (stopwatch.ms() < enough_ms && prefill.size() < most_rounds)) {
    progress.show(fmt::format("round {}", prefill.size() + 1));
    // The first of a pair finds other things in the caches than the second: they take turns.
    const bool plain_first = prefill.size() % 2 == 1;
    Result<SpeedSample> plain;
    if (plain_first) plain = run.run(&stop);
    auto round = run.record(&stop);
    if (!plain_first) plain = run.run(&stop);
    if (!plain || !round) {
      if (!stop || prefill.empty()) return std::unexpected(plain ? round.error() : plain.error());
      recorded.interrupted = true;
      break;
    }
    with_spans.push_back(phases_ms(round->sample));
    without.push_back(phases_ms(*plain));
    prefill.push_back(std::move(round->prefill));
    decode.push_back(std::move(round->decode));
  }
  recorded.traces.push_back(median_round(std::move(prefill), "prefill"));
  recorded.traces.push_back(median_round(std::move(decode), "decode"));
  const PhaseTrace& decoding = recorded.traces.back();
  const double decode_ns = duration_ms({decoding.passes, decoding.spans}) * 1e6;
  recorded.cost.ns = nanoseconds_per_span();
  recorded.cost.share = decode_ns > 0 ? recorded.cost.ns * static_cast<double>(decoding.spans.size()) / decode_ns : 0;
  recorded.cost.on_off = paired_ratio(with_spans, without, 0.95);
  return recorded;
}

std::string label(const OpProfile& op) {
  if (op.layer < 0) return op.op;
  return op.op.empty() ? fmt::format("layer {}", op.layer) : fmt::format("{} {}", op.op, op.layer);
}

report::Cell or_none(double value) {
  return value > 0 ? report::Cell(value) : report::Cell();
}

report::Table table_of(const PhaseProfile& phase) {
  using report::Format;
  const bool per_token = phase.tokens == phase.passes;
  report::Table table{
      .title = fmt::format("{}: {} tokens in {} {}, {:.1f} ms, {} tokens/s", phase.name, phase.tokens, phase.passes,
                           phase.passes == 1 ? "pass" : "passes", phase.ms,
                           report::show_number(phase.tokens / phase.ms * 1e3)),
      .columns = {{"", "", Format::text},
                  {per_token ? "ms/token" : "ms/pass"},
                  {"share", "", Format::percent},
                  {"", "", Format::bar},
                  {"GB/s"},
                  {"GOP/s"},
                  {"limit", "", Format::percent},
                  {"bound", "", Format::text}},
      .rows = {},
      .caption = fmt::format("Roof: {} GB/s of {}, {} int8, {} BF16, {} FP32 GOP/s.",
                             report::show_number(phase.roof.bandwidth_gb_s()), phase.roof.in_cache ? "cache" : "memory",
                             report::show_number(phase.roof.limits.peak_gop_s(Arithmetic::int8)),
                             report::show_number(phase.roof.limits.peak_gop_s(Arithmetic::bf16)),
                             report::show_number(phase.roof.limits.peak_gop_s(Arithmetic::fp32)))};
  for (const OpProfile& op : phase.ops)
    table.rows.push_back({label(op), op.ms / phase.passes, op.ms / phase.ms, op.ms / phase.ms, or_none(op.gb_s()),
                          or_none(op.gop_s()), or_none(op.fraction_of_limit()), name(op.bound)});
  table.rows.push_back({"(unaccounted)", phase.unaccounted_ms / phase.passes, phase.unaccounted_ms / phase.ms});
  return table;
}

const char* reason(Bound bound) {
  switch (bound) {
    case Bound::memory:
      return "is bound by memory";
    case Bound::compute:
      return "is bound by arithmetic";
    case Bound::overhead:
      break;
  }
  return "is bound by neither memory nor arithmetic";
}

/// The one sentence to take home.
std::string conclusion(std::span<const PhaseProfile> phases) {
  const auto heavy = heaviest(phases, 0.8);
  if (heavy.empty()) return "";
  double total = 0, held = 0;
  for (const PhaseProfile& phase : phases) total += phase.ms;
  std::string list;
  for (const PhaseProfile& phase : phases) {
    std::string of_phase;
    for (const HeavyOp& h : heavy)
      if (h.phase == &phase) {
        of_phase += (of_phase.empty() ? "" : ", ") + label(*h.op);
        held += h.op->ms;
      }
    if (!of_phase.empty()) list += (list.empty() ? "" : " and ") + fmt::format("{} ({})", phase.name, of_phase);
  }
  const HeavyOp& first = heavy.front();
  const int module = module_of(*first.op);
  return fmt::format("{:.0f}% of {:.0f} ms is {}; the longest, {} in {}, {}, which lab module {} ({}) addresses.",
                     100 * held / total, total, list, label(*first.op), first.phase->name, reason(first.op->bound),
                     module, module_titles[static_cast<std::size_t>(module)]);
}

report::Table modules_table(std::span<const PhaseProfile> phases) {
  using report::Format;
  report::Table table{.title = "What each lab module is about, of this time",
                      .columns = {{"module", "", Format::text},
                                  {"share", "", Format::percent},
                                  {"", "", Format::bar},
                                  {"", "", Format::text}},
                      .rows = {}};
  for (const ModuleReach& reach : reach_of_modules(phases))
    table.rows.push_back({fmt::format("{} {}", reach.module, module_titles[static_cast<std::size_t>(reach.module)]),
                          reach.share, reach.share, reach.what});
  return table;
}

/// Time by op, of both phases.
report::StackedBars stacks_of(std::span<const PhaseProfile> phases) {
  report::StackedBars chart{.title = "Where the time goes", .unit = "ms", .stacks = {}};
  for (const PhaseProfile& phase : phases) {
    report::Stack stack{.label = fmt::format("{}, {} tokens", phase.name, phase.tokens), .parts = {}};
    for (const OpProfile& op : phase.ops) stack.parts.push_back({label(op), op.ms});
    stack.parts.push_back({"unaccounted", std::max(0.0, phase.unaccounted_ms)});
    chart.stacks.push_back(std::move(stack));
  }
  return chart;
}

/// Williams, Waterman & Patterson 2009: what bandwidth and arithmetic allow at an op's intensity, and what it reaches.
report::Plot roofline(std::span<const PhaseProfile> phases) {
  report::Plot plot{.title = "Roofline",
                    .x = {"operations per byte", true},
                    .y = {"GOP/s", true},
                    .series = {},
                    .caption =
                        "The sloping part of a roof is bandwidth, the flat one arithmetic. An op far below both "
                        "is held back by something else."};
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (const PhaseProfile& phase : phases) {
    report::Series ops{.name = phase.name, .mark = report::Mark::points, .points = {}};
    for (const OpProfile& op : phase.ops) {
      if (op.bytes <= 0 || op.operations <= 0) continue;
      const double intensity = op.operations / op.bytes;
      least = std::min(least, intensity);
      most = std::max(most, intensity);
      ops.points.push_back({.x = intensity, .y = op.gop_s(), .label = label(op)});
    }
    plot.series.push_back(std::move(ops));
  }
  if (most <= 0) return plot;
  const Roof& roof = phases.front().roof;
  const auto add_roof = [&](const std::string& name, double gb_s, double peak) {
    if (gb_s <= 0 || peak <= 0) return;
    const double ridge = peak / gb_s, from = std::min(least, ridge) / 2, to = std::max(most, ridge) * 2;
    plot.series.push_back(
        {name, report::Mark::limit, {{.x = from, .y = gb_s * from}, {.x = ridge, .y = peak}, {.x = to, .y = peak}}});
  };
  add_roof("memory, int8", roof.limits.memory_gb_s, roof.limits.int8_gop_s);
  add_roof("memory, FP32", roof.limits.memory_gb_s, roof.limits.fp32_gop_s);
  add_roof("cache, int8", roof.limits.cache_gb_s, roof.limits.int8_gop_s);
  return plot;
}

/// The pass in the middle of a phase, op by op.
report::Timeline timeline_of(const PhaseTrace& trace) {
  report::Timeline timeline{.title = fmt::format("One pass of {}", trace.name),
                            .unit = "ms",
                            .lanes = {},
                            .caption = "Every op of every layer in the order they ran, each from the end of the one before it."};
  if (trace.passes.empty()) return timeline;
  const PassRecord& pass = trace.passes[trace.passes.size() / 2];
  report::Timeline::Lane lane{.name = fmt::format("{} {}", pass.tokens, pass.tokens == 1 ? "token" : "tokens"),
                              .spans = {}};
  for (const SpanRecord& span : trace.spans)
    if (span.begin_ns >= pass.begin_ns && span.end_ns <= pass.end_ns)
      lane.spans.push_back({span.op, static_cast<double>(span.begin_ns - pass.begin_ns) / 1e6,
                            static_cast<double>(span.end_ns - pass.begin_ns) / 1e6});
  timeline.lanes.push_back(std::move(lane));
  return timeline;
}

nlohmann::ordered_json json_of(const PhaseProfile& phase) {
  nlohmann::ordered_json ops = nlohmann::ordered_json::array();
  for (const OpProfile& op : phase.ops) {
    nlohmann::ordered_json row{{"op", op.op}};
    if (op.layer >= 0) row["layer"] = op.layer;
    row.update({{"calls", op.calls},
                {"ms", op.ms},
                {"share", op.ms / phase.ms},
                {"bytes", op.bytes},
                {"operations", op.operations},
                {"gb_s", op.gb_s()},
                {"gop_s", op.gop_s()},
                {"fraction_of_limit", op.fraction_of_limit()},
                {"bound", name(op.bound)}});
    ops.push_back(std::move(row));
  }
  return {{"passes", phase.passes},
          {"tokens", phase.tokens},
          {"ms", phase.ms},
          {"tok_s", phase.ms > 0 ? phase.tokens / phase.ms * 1e3 : 0},
          {"unaccounted_ms", phase.unaccounted_ms},
          {"unaccounted_share", phase.ms > 0 ? phase.unaccounted_ms / phase.ms : 0},
          {"roof",
           {{"bandwidth_gb_s", phase.roof.bandwidth_gb_s()},
            {"in_cache", phase.roof.in_cache},
            {"int8_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::int8)},
            {"bf16_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::bf16)},
            {"fp32_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::fp32)}}},
          {"ops", std::move(ops)}};
}

Status write_trace(const ProfileFlags& flags, std::span<const PhaseTrace> traces) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(flags.trace));
  SW_TRY(file.write(chrome_trace(traces, "speedwins " + flags.model.model)));
  return file.commit();
}

Result<Report> profile(const ProfileFlags& flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  progress.show("loading");
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  const MeasuredMachine machine = measured_machine(
      SPEEDWINS_VERSION, false, [&](std::string_view what) { progress.show(fmt::format("measuring {}", what)); });
  SW_ASSIGN(const Recorded recorded, record(flags, loaded, progress, stop));

  std::vector<PhaseProfile> by_op, shown;
  for (const PhaseTrace& trace : recorded.traces) {
    const Roof roof = roof_for(machine.limits, machine.machine.last_level_bytes(), loaded.pool->size(),
                               bytes_per_pass(trace.spans, trace.passes.size()));
    by_op.push_back(profile_phase(trace.name, trace.passes, trace.spans, roof, GroupBy::op));
    shown.push_back(
        profile_phase(trace.name, trace.passes, trace.spans, roof, flags.by_layer ? GroupBy::layer : GroupBy::op));
  }

  report::Document document{.title = fmt::format("profile of {}", flags.model.model),
                            .facts = {},
                            .elements = {},
                            .conclusion = conclusion(by_op)};
  const SpanCost& cost = recorded.cost;
  document.facts = {
      {"machine", machine.machine.cpu},
      {"work", fmt::format("{} prompt tokens, {} new ones, {} threads{}", flags.work.prompt_tokens,
                           flags.work.new_tokens, loaded.pool->size(), recorded.interrupted ? ", interrupted" : "")},
      {"spans",
       fmt::format("{:.0f} ns each, {:.2f}% of decode; whole runs with / without {:.3f} [{:.3f}, {:.3f}]", cost.ns,
                   100 * cost.share, cost.on_off.value, cost.on_off.interval.low, cost.on_off.interval.high)}};
  nlohmann::ordered_json json = {{"model", flags.model.model}, {"threads", loaded.pool->size()}};
  std::vector<Metric> metrics;
  for (const PhaseProfile& phase : shown) {
    if (phase.passes == 0) continue;
    json[phase.name] = json_of(phase);
    document.elements.push_back(table_of(phase));
    const double ms = phase.ms / phase.tokens;
    metrics.push_back({.name = phase.name + "_ms_per_token",
                       .unit = "ms",
                       .better = Better::lower,
                       .value = ms,
                       .low = ms,
                       .high = ms});
  }
  document.elements.push_back(modules_table(by_op));
  json["modules"] = nlohmann::ordered_json::array();
  for (const ModuleReach& reach : reach_of_modules(by_op))
    json["modules"].push_back({{"module", reach.module},
                               {"title", module_titles[static_cast<std::size_t>(reach.module)]},
                               {"share", reach.share},
                               {"what", reach.what}});
  json["spans"] = {
      {"ns", cost.ns},
      {"share_of_decode", cost.share},
      {"on_off",
       {{"ratio", cost.on_off.value}, {"low", cost.on_off.interval.low}, {"high", cost.on_off.interval.high}}}};
  json["interrupted"] = recorded.interrupted;
  json["conclusion"] = document.conclusion;

  Recording recording(flags.output, {.command = "profile",
                                     .model = flags.model.model,
                                     .model_hash = model_fingerprint(flags.model.model),
                                     .configuration = configuration_json(flags.model, flags.work)});
  recording.finish(metrics, recorded.interrupted ? RunStatus::interrupted : RunStatus::done);
  std::vector<report::Element> charts = {roofline(by_op), stacks_of(by_op)};
  for (const PhaseTrace& trace : recorded.traces) charts.emplace_back(timeline_of(trace));
  SW_ASSIGN(Report report, make_report(std::move(json), std::move(document), flags.output, context, std::move(charts)));
  if (flags.trace.empty()) return report;
  if (const auto written = write_trace(flags, recorded.traces); !written)
    report.error = written.error();
  else
    report.text += fmt::format("\nThe trace opens in ui.perfetto.dev or chrome://tracing: {}\n", flags.trace);
  return report;
}

}  // namespace

void add_profile_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ProfileFlags>();
  CLI::App* command = app.add_subcommand("profile", "Where the time goes, op by op, and how near the machine's limits");
  add_model_flags(*command, flags->model);
  add_work_flags(*command, flags->work);
  command->add_flag("--by-layer", flags->by_layer, "Add up each layer's ops instead of each op's layers");
  command->add_option("--trace", flags->trace, "Write every op as a Chrome trace to this file");
  add_output_flags(*command, flags->output);
  command->footer(
      "limit: the fraction reached of what the machine's bandwidth and arithmetic allow (see `speedwins\n"
      "machine`); bound: which of the two is in the way, or neither (overhead). Above 100%: data that was\n"
      "still in a nearer cache, or limits measured while other programs ran. The report of --html adds a\n"
      "roofline plot and a timeline of one pass of prefill and of decode.\n"
      "\n"
      "Examples:\n"
      "  speedwins profile demo\n"
      "  speedwins profile model.gguf -p 512 -n 32 --by-layer\n"
      "  speedwins profile model.gguf --html profile.html\n"
      "  speedwins profile model.gguf --trace trace.json");
  on_command(*command, context, [flags, &context] { return profile(*flags, context); });
}

}  // namespace sw
