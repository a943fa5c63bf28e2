#include <fmt/core.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ab_side.hpp"
#include "commands.hpp"
#include "interrupt.hpp"
#include "measure/comparison.hpp"
#include "measure/statistics.hpp"
#include "measure_speed.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "progress_line.hpp"
#include "quality_difference.hpp"

namespace sw {
namespace {

enum class Deciding : std::uint8_t { total, prefill, decode };

struct AbFlags {
  SideFlags a, b;
  std::vector<std::string> b_arguments;
  ComparisonOptions comparison;
  Deciding deciding = Deciding::total;
  std::string text, tasks;
  int task_items = 0;
  double quality_limit = 0.01;
  bool quality = true;
  OutputFlags output;
};

/// B is A, but for what is said after "--".
Status parse_b(AbFlags& flags) {
  flags.b = flags.a;
  CLI::App parser("B");
  parser.add_option("MODEL", flags.b.model.model);
  add_side_flags(parser, flags.b);
  std::vector<std::string> arguments(flags.b_arguments.rbegin(), flags.b_arguments.rend());
  try {
    parser.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), "the flags of B, after --", "MODEL, a URL, -t, --ctx, --kv, -p, -n, -b or --slowdown",
                "What both share, such as --seconds, belongs before --. Try: speedwins ab --help");
  }
  return {};
}

/// The runs of one side, the first of which warmed up.
struct Measured {
  Side& side;
  std::vector<SideSample> samples = {};

  /// Work of different size is compared per token.
  Result<double> measure(Deciding deciding, const std::atomic<bool>* stop) {
    SW_ASSIGN(const SideSample sample, side.run(stop));
    samples.push_back(sample);
    switch (deciding) {
      case Deciding::prefill:
        return sample.prefill_ms / sample.prompt_tokens;
      case Deciding::decode:
        return sample.decode_ms / sample.new_tokens;
      case Deciding::total:
        break;
    }
    return sample.total_ms / (sample.prompt_tokens + sample.new_tokens);
  }
};

/// Speed per token of one metric, beside the deciding one: told, not judged.
struct Beside {
  const char* name;
  double SideSample::*ms;
};
constexpr Beside besides[] = {{"prefill", &SideSample::prefill_ms},
                              {"first token", &SideSample::ttft_ms},
                              {"decode", &SideSample::decode_ms},
                              {"total", &SideSample::total_ms}};

std::vector<double> values_of(const Measured& side, double SideSample::*member, std::size_t n) {
  // The first sample warmed up, and a pair that was interrupted has one side only.
  std::vector<double> values;
  for (std::size_t i = 1; i < side.samples.size() && values.size() < n; ++i) values.push_back(side.samples[i].*member);
  return values;
}

struct Verdict {
  std::string text, decision;
  report::Tone tone = report::Tone::plain;
};

std::string times(double ratio, const Interval& interval) {
  return fmt::format("{:.3g}× faster [{:.3g}, {:.3g}]", ratio, interval.low, interval.high);
}

Verdict verdict_of(const ComparisonResult& speed, const std::optional<QualityDifference>& quality, double limit) {
  using report::Tone;
  // Losses beyond the limit, for certain or perhaps.
  const bool worse = quality && quality->interval.high < -limit;
  const bool unclear = quality && !worse && quality->interval.low < -limit;
  const std::string at = quality ? fmt::format(" at {}", quality->text()) : "";
  switch (speed.outcome) {
    case Outcome::b_faster:
      if (worse)
        return {fmt::format("B is {}{}: keep it only where that loss is acceptable", times(speed.ratio, speed.interval),
                            at),
                "trade", Tone::warning};
      if (unclear)
        return {fmt::format("B is {}{}: the quality is not known well enough to keep it; use more tasks or text",
                            times(speed.ratio, speed.interval), at),
                "undecided", Tone::warning};
      return {fmt::format("B is {}{}: keep", times(speed.ratio, speed.interval), at), "keep", Tone::good};
    case Outcome::a_faster: {
      const Interval slower{1 / speed.interval.high, 1 / speed.interval.low};
      return {fmt::format("A is {}{}: stay with A", times(1 / speed.ratio, slower), at), "reject", Tone::bad};
    }
    case Outcome::same:
      return {fmt::format("no difference that matters: B takes {:+.1f}% of A's time [{:+.1f}%, {:+.1f}%]{}",
                          100 * (1 / speed.ratio - 1), 100 * (1 / speed.interval.high - 1),
                          100 * (1 / speed.interval.low - 1), at),
              "same", Tone::plain};
    case Outcome::undecided:
      break;
  }
  return {fmt::format("cannot tell A from B: the ratio is {:.3f} [{:.3f}, {:.3f}], and this run could have seen "
                      "differences of {:.1f}% or more{}; give it more time with --seconds",
                      speed.ratio, speed.interval.low, speed.interval.high, 100 * speed.detectable,
                      quality ? " (quality " + quality->text() + ")" : ""),
          "undecided", Tone::warning};
}

const char* word(Outcome outcome) {
  switch (outcome) {
    case Outcome::b_faster:
      return "b";
    case Outcome::a_faster:
      return "a";
    case Outcome::same:
      return "same";
    case Outcome::undecided:
      break;
  }
  return "undecided";
}

/// A server tells no loss on a text: where one takes part, both sides are asked questions.
Result<QualityDifference> compare_quality(const AbFlags& flags, const Sides& sides, const QualityHooks& hooks) {
  const QualitySide *a = sides.a->scorer(), *b = sides.b->scorer();
  const bool server = !a || !b;
  if (server && !flags.text.empty())
    return fail("a server tells no loss on a text", "--text", "--tasks FILE or --no-quality");
  if (!server && flags.tasks.empty()) return text_difference(*a, *b, flags.text, hooks);
  const bool few = flags.tasks.empty() && flags.task_items == 0;
  SW_ASSIGN(const auto items, read_tasks(flags.tasks.empty() ? "suite" : flags.tasks, few ? 48 : flags.task_items));
  const auto answers = [&](Side& side) {
    return [&side, server, &hooks](const TaskItem& item) { return side.answers_right(item, server, hooks.stop); };
  };
  return task_difference(answers(*sides.a), answers(*sides.b), items, hooks);
}

/// What identifies the side's weights; a server's are not known.
std::string fingerprint(const SideFlags& side) {
  return side.is_server() ? "" : model_fingerprint(side.model.model);
}

Result<Report> ab(AbFlags flags, const Context& context) {
  SW_TRY(parse_b(flags));
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  progress.show("loading");
  SW_ASSIGN(const Sides sides, open_sides(flags.a, flags.b));
  std::optional<QualityDifference> quality;
  if (flags.quality) {
    SW_ASSIGN(quality, compare_quality(flags, sides, {[&](const std::string& text) { progress.show(text); }, &stop}));
  }
  Measured a{*sides.a}, b{*sides.b};
  const std::string a_name = describe(flags.a, flags.b), b_name = describe(flags.b, flags.a);
  Recording recording(
      flags.output,
      {.command = "ab",
       .model = a_name + " -- " + b_name,
       .model_hash = fingerprint(flags.a),
       .configuration = nlohmann::json{{"a", nlohmann::json::parse(configuration_json(flags.a.model, flags.a.work))},
                                       {"b", nlohmann::json::parse(configuration_json(flags.b.model, flags.b.work))}}
                            .dump()});
  const Metric ratio_metric{.name = "speed_ratio", .unit = "×", .kind = MetricKind::timing, .better = Better::higher};
  auto compared =
      compare([&] { return a.measure(flags.deciding, &stop); }, [&] { return b.measure(flags.deciding, &stop); },
              flags.comparison,
              {.progress =
                   [&](const ComparisonResult& so_far) {
                     recording.sample(ratio_metric, so_far.a_ms.back() / so_far.b_ms.back());
                     progress.show(fmt::format("pair {}, {:.0f} of at most {:.0f} s: A/B {:.3f}", so_far.a_ms.size(),
                                               so_far.seconds, flags.comparison.seconds, so_far.ratio));
                   },
               .stop = [&] { return stop.load(); }});
  if (!compared) return std::unexpected(compared.error());
  const ComparisonResult& speed = *compared;
  if (speed.a_ms.empty()) return fail("interrupted before the first pair was done");

  const Verdict verdict = verdict_of(speed, quality, flags.quality_limit);
  Metric kept = ratio_metric;
  kept.value = speed.ratio;
  kept.low = speed.interval.low;
  kept.high = speed.interval.high;
  for (std::size_t i = 0; i < speed.a_ms.size(); ++i) kept.samples.push_back(speed.a_ms[i] / speed.b_ms[i]);
  std::vector<Metric> metrics = {kept};
  if (quality)
    metrics.push_back({.name = "quality_change",
                       .unit = quality->unit,
                       .kind = MetricKind::quality,
                       .better = Better::higher,
                       .value = quality->change,
                       .low = quality->interval.low,
                       .high = quality->interval.high});
  recording.finish(metrics, speed.interrupted ? RunStatus::interrupted : RunStatus::done);

  nlohmann::ordered_json json = {
      {"a", a_name},
      {"b", b_name},
      {"pairs", speed.a_ms.size()},
      {"seconds", speed.seconds},
      {"interrupted", speed.interrupted},
      {"faster", word(speed.outcome)},
      {"ratio",
       {{"median", speed.ratio}, {"low", speed.interval.low}, {"high", speed.interval.high}, {"level", speed.level}}},
      {"smallest_detectable_difference", speed.detectable},
      {"decision", verdict.decision},
      {"verdict", verdict.text}};
  report::Document document{
      .title = "A against B", .facts = {}, .elements = {}, .conclusion = verdict.text, .tone = verdict.tone};
  document.facts = {{"A", a_name},
                    {"B", b_name},
                    {"machine", machine_name()},
                    {"pairs", fmt::format("{} in {:.0f} s, side by side in random order{}", speed.a_ms.size(),
                                          speed.seconds, speed.interrupted ? ", interrupted" : "")}};
  report::Table table{
      .title = "Milliseconds of one run",
      .columns = {{"", "", report::Format::text}, {"A"}, {"B"}, {"A / B", "95%"}},
      .rows = {},
      .caption = fmt::format("The verdict is that of the {} time per token, at {:.0f}% because it was looked at "
                             "up to five times. The smallest difference this run could have seen: {:.1f}%.",
                             flags.deciding == Deciding::total     ? "total"
                             : flags.deciding == Deciding::prefill ? "prefill"
                                                                   : "decode",
                             100 * speed.level, 100 * speed.detectable)};
  for (const Beside& beside : besides) {
    const auto of_a = values_of(a, beside.ms, speed.a_ms.size()), of_b = values_of(b, beside.ms, speed.b_ms.size());
    const Ratio ratio = paired_ratio(of_a, of_b, 0.95);
    table.rows.push_back({beside.name, median(of_a), median(of_b),
                          report::Estimate{ratio.value, ratio.interval.low, ratio.interval.high}});
    json["metrics"][beside.name] = {{"a_ms", median(of_a)},
                                    {"b_ms", median(of_b)},
                                    {"ratio", ratio.value},
                                    {"low", ratio.interval.low},
                                    {"high", ratio.interval.high}};
  }
  document.elements.push_back(std::move(table));
  if (quality) {
    document.elements.push_back(quality->table());
    json["quality"] = {{"measure", quality->measure},
                       {"a", quality->a},
                       {"b", quality->b},
                       {"change", quality->change},
                       {"low", quality->interval.low},
                       {"high", quality->interval.high}};
  }
  report::Plot plot{.title = "Time A / time B, pair by pair",
                    .x = {.label = "pair", .counts = true},
                    .y = {"A / B", true},  // logarithmic: twice and half are equally far from no difference
                    .series = {}};
  report::Series pairs{.name = "pairs", .mark = report::Mark::points, .points = {}},
      none{.name = "no difference", .mark = report::Mark::limit, .points = {}};
  const auto n = static_cast<double>(kept.samples.size());
  for (std::size_t i = 0; i < kept.samples.size(); ++i)
    pairs.points.push_back({.x = static_cast<double>(i + 1), .y = kept.samples[i]});
  none.points = {{.x = 1, .y = 1}, {.x = std::max(2.0, n), .y = 1}};
  report::Series middle{.name = "median",
                        .mark = report::Mark::limit,
                        .points = {{.x = 1, .y = speed.ratio}, {.x = std::max(2.0, n), .y = speed.ratio}}};
  plot.series = {std::move(pairs), std::move(none), std::move(middle)};
  document.elements.push_back(std::move(plot));
  return make_report(std::move(json), document, flags.output, context);
}

}  // namespace

void add_ab_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<AbFlags>();
  CLI::App* command = app.add_subcommand("ab", "Compare two configurations: which is faster, and at what quality");
  command
      ->add_option("MODEL", flags->a.model.model, "A GGUF file, a Hugging Face folder, a pulled name, demo, or a URL")
      ->required();
  add_side_flags(*command, flags->a);
  command
      ->add_option("B", flags->b_arguments,
                   "After --: how B differs from A, in the same flags, or another MODEL or URL")
      ->required()
      ->expected(1, -1);
  command->add_option("--seconds", flags->comparison.seconds, "Time for the pairs at most")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command
      ->add_option("--least-effect", flags->comparison.least_effect, "A difference certainly smaller than this is none")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  static const std::map<std::string, Deciding> metrics = {
      {"total", Deciding::total}, {"prefill", Deciding::prefill}, {"decode", Deciding::decode}};
  command->add_option("--by", flags->deciding, "What decides: total (default), prefill or decode")
      ->transform(CLI::CheckedTransformer(metrics));
  command->add_option("--seed", flags->comparison.seed, "Of the order within pairs and of the resampling")
      ->capture_default_str();
  const std::string group = "Quality";
  command
      ->add_option("--text", flags->text, "Compare the loss on this text (default: a text that comes with the program)")
      ->check(CLI::ExistingFile)
      ->group(group);
  command->add_option("--tasks", flags->tasks, "Compare right answers to this JSONL file, or to `suite`")->group(group);
  command->add_option("--items", flags->task_items, "Only so many of the tasks, evenly spread")
      ->check(CLI::Range(1, 1 << 20))
      ->group(group);
  command->add_option("--quality-limit", flags->quality_limit, "The loss of quality that a faster B may have")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  command->add_flag("!--no-quality", flags->quality, "Compare speed only")->group(group);
  add_output_flags(*command, flags->output);
  command->footer(
      "A and B run in pairs, side by side in random order, so that what disturbs the machine disturbs both.\n"
      "The winner is named only when the interval of the ratio leaves no doubt; of A against A at most one\n"
      "comparison in twenty names one. Ctrl-C shows and keeps what there is.\n"
      "\n"
      "Examples:\n"
      "  speedwins ab demo -t 1 -- -t 2                     one thread or two?\n"
      "  speedwins ab model-f16.gguf -- model-q4.gguf       what does quantizing gain and cost?\n"
      "  speedwins ab model.gguf --kv f32 -- --kv f16 --by decode -p 2048 --tasks suite\n"
      "  speedwins ab http://localhost:8080 -- http://localhost:8081 --tasks suite\n"
      "  speedwins ab demo -- demo                          A against A: it declines\n"
      "  speedwins ab demo -- --slowdown 0.05               would 5% be found here and now?");
  on_command(*command, context, [flags, &context] { return ab(*flags, context); });
}

}  // namespace sw
