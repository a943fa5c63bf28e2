#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "commands.hpp"
#include "evaluation/journal.hpp"
#include "evaluation/logits_file.hpp"
#include "evaluation/perplexity.hpp"
#include "evaluation/task_run.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "measure/machine_cache.hpp"
#include "measure/stopwatch.hpp"
#include "model_identity.hpp"
#include "output.hpp"
#include "progress_line.hpp"
#include "quality_difference.hpp"

namespace sw {
namespace {

struct EvalFlags {
  ModelFlags model;
  std::string text, tasks, baseline;
  Convention convention = Convention::llama_cpp;
  int window = 512, stride = 0;
  int windows = 0;  ///< 0: all of the text
  int items = 0;    ///< 0: all tasks
  ChoiceScoring choices = ChoiceScoring::likelihood;
  std::string save_logits;
  bool special = false, resume = false;
  OutputFlags output;
};

/// Keeps what was found so far, where the cache folder can be written; elsewhere nothing is resumed.
class Progress {
 public:
  Progress(const std::string& key, bool resume) {
    Digest digest = Digest::sha256();
    digest.update(key);
    const auto folder = cache_folder();
    if (!folder) return;
    auto journal = Journal::open(*folder / ("eval-" + digest.hex().substr(0, 16) + ".journal"), key, resume);
    if (journal) journal_.emplace(std::move(*journal));
  }
  const std::vector<double>* find(std::int64_t step, std::size_t values) const {
    if (!journal_) return nullptr;
    const auto found = journal_->steps().find(step);
    return found == journal_->steps().end() || found->second.size() != values ? nullptr : &found->second;
  }
  void add(std::int64_t step, const std::vector<double>& values) {
    if (journal_ && !journal_->add(step, values)) journal_.reset();
  }
  bool keeps() const { return journal_.has_value(); }
  void done() {
    if (journal_) journal_->remove();
  }

 private:
  std::optional<Journal> journal_;
};

std::string configuration(const EvalFlags& flags) {
  nlohmann::json json = {{"kv", name(flags.model.kv_type)}};
  if (flags.tasks.empty()) {
    json["convention"] = name(flags.convention);
    json["window"] = flags.window;
    json["stride"] = flags.stride;
    json["windows"] = flags.windows;
    json["text"] = flags.text;
    json["special"] = flags.special;
    json["baseline"] = flags.baseline;
  } else {
    json["tasks"] = flags.tasks;
    json["items"] = flags.items;
    json["choices"] = flags.choices == ChoiceScoring::likelihood ? "likelihood" : "generation";
  }
  return json.dump();
}

std::string hash_of(std::string_view text) {
  Digest digest = Digest::sha256();
  digest.update(text);
  return digest.hex().substr(0, 16);
}

Metric metric(std::string name, std::string unit, Better better, double value, const Interval& interval) {
  return {.name = std::move(name),
          .unit = std::move(unit),
          .kind = MetricKind::quality,
          .better = better,
          .value = value,
          .low = interval.low,
          .high = interval.high};
}

/// How fast this run comes on: what it takes over from an interrupted one costs no time.
class Pace {
 public:
  void computed() { ++computed_; }
  std::string left(std::size_t steps_left) const {
    if (computed_ == 0) return "";
    return fmt::format(", {:.0f} s left", static_cast<double>(steps_left) / steps_per_s());
  }
  double steps_per_s() const { return computed_ * 1e3 / stopwatch_.ms(); }

 private:
  Stopwatch stopwatch_;
  int computed_ = 0;
};

/// What is said of an evaluation that did not come to its end.
report::Note interrupted_note(std::size_t done, std::size_t all, const char* of, bool kept) {
  return {fmt::format("Interrupted after {} of {} {}.{}", done, all, of,
                      kept ? " The same command with --resume goes on from here." : ""),
          report::Tone::warning};
}

/// Sums of one window against a baseline.
struct WindowDivergence {
  double kl = 0, same_top = 0, nats_more = 0;
};

struct TextResult {
  std::vector<WindowLoss> losses;
  std::vector<WindowDivergence> divergences;  ///< empty without a baseline
  std::size_t planned = 0;
  double windows_per_s = 0;  ///< of those that this run computed
  bool interrupted = false;
};

/// The tokens to score and their windows: of a text file, or those a baseline was made of.
struct TextPlan {
  std::vector<TokenId> tokens;
  std::vector<TextWindow> windows;
  std::optional<TokenId> first;  ///< in place of every window's first token
};

Result<TextPlan> plan_text(EvalFlags& flags, const Model& model, const LogitsReader* baseline) {
  TextPlan plan;
  if (baseline) {
    const LogitsHeader& header = baseline->header();
    if (static_cast<int>(header.vocab) != model.spec.vocab)
      return fail(fmt::format("was made by a model with {} tokens", header.vocab), flags.baseline,
                  fmt::format("{}, the vocabulary of {}", model.spec.vocab, flags.model.model),
                  "Compare models of one tokenizer");
    plan.tokens = header.tokens;
    flags.convention = header.convention;
    flags.window = static_cast<int>(std::min<std::uint64_t>(header.window, 1u << 24));
    flags.stride = static_cast<int>(std::min<std::uint64_t>(header.stride, 1u << 24));
    flags.windows = static_cast<int>(std::min<std::uint64_t>(header.windows, 1u << 30));
  } else {
    SW_ASSIGN(const std::string text, read_text_file(flags.text, std::uint64_t{1} << 30));
    SW_ASSIGN(plan.tokens, model.tokenizer->encode(text, {.add_special = true, .parse_special = flags.special}));
    if (flags.stride == 0) flags.stride = std::max(1, flags.window / 2);
  }
  plan.windows = cut_text(flags.convention, plan.tokens.size(), static_cast<std::size_t>(flags.window),
                          static_cast<std::size_t>(flags.stride));
  if (plan.windows.empty())
    return fail(fmt::format("the text has {} tokens", plan.tokens.size()), flags.text,
                fmt::format("at least one window of {}", flags.window), "Use a longer text or a smaller --ctx");
  if (flags.windows > 0) plan.windows.resize(std::min<std::size_t>(plan.windows.size(), flags.windows));
  if (flags.convention == Convention::llama_cpp) {
    SW_ASSIGN(plan.first, begin_token(*model.tokenizer));
  }
  return plan;
}

Result<TextResult> score_text(const EvalFlags& flags, const LoadedModel& loaded, const TextPlan& plan,
                              LogitsReader* baseline, LogitsWriter* writer, Progress& kept, ProgressLine& line,
                              const std::atomic<bool>& stop) {
  SW_ASSIGN(TextScorer scorer, TextScorer::create(*loaded.model, *loaded.pool, flags.window, flags.model.kv_type));
  TextResult result{.losses = {}, .divergences = {}, .planned = plan.windows.size()};
  constexpr std::size_t n_values = 7;
  Pace pace;
  std::uint64_t baseline_row = 0;
  for (std::size_t i = 0; i < plan.windows.size(); ++i) {
    if (stop) {
      result.interrupted = true;
      break;
    }
    const TextWindow& window = plan.windows[i];
    WindowLoss loss;
    WindowDivergence far;
    if (const auto* known = kept.find(static_cast<std::int64_t>(i), n_values)) {
      loss = {(*known)[0], (*known)[1], (*known)[2], (*known)[3]};
      far = {(*known)[4], (*known)[5], (*known)[6]};
      baseline_row += window.scored();
    } else {
      if (baseline && baseline_row + window.scored() > baseline->rows())
        return fail("ends before the windows it promises", flags.baseline, {}, "Write it again from the baseline");
      TextScorer::OnRow also;
      if (baseline || writer)
        also = [&](std::size_t at, std::span<const float> logits) -> Status {
          if (writer) SW_TRY(writer->add(logits));
          if (!baseline) return {};
          const Divergence d = divergence(baseline->row(baseline_row++), logits, plan.tokens[window.begin + at]);
          far.kl += d.kl;
          far.same_top += d.same_top;
          far.nats_more += d.nats_more;
          return {};
        };
      SW_ASSIGN(loss, scorer.loss(plan.tokens, window, plan.first, also));
      kept.add(static_cast<std::int64_t>(i),
               {loss.sum, loss.sum_of_squares, loss.tokens, loss.weight, far.kl, far.same_top, far.nats_more});
      pace.computed();
    }
    result.losses.push_back(loss);
    if (baseline) result.divergences.push_back(far);
    line.show(fmt::format("{}/{} windows, perplexity {:.4f}{}", i + 1, plan.windows.size(),
                          perplexity_of(result.losses).value, pace.left(plan.windows.size() - i - 1)));
  }
  result.windows_per_s = pace.steps_per_s();
  return result;
}

Result<Report> eval_text(EvalFlags flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine line;
  std::optional<LogitsReader> baseline;
  if (!flags.baseline.empty()) {
    SW_ASSIGN(baseline, LogitsReader::open(flags.baseline));
  }
  line.show("loading");
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  const Model& model = *loaded.model;
  if (!model.tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);
  SW_ASSIGN(const TextPlan plan, plan_text(flags, model, baseline ? &*baseline : nullptr));
  const std::string fingerprint = model_fingerprint(flags.model.model);
  std::optional<LogitsWriter> writer;
  if (!flags.save_logits.empty()) {
    SW_ASSIGN(LogitsWriter created,
              LogitsWriter::create(flags.save_logits, {.convention = flags.convention,
                                                       .vocab = static_cast<std::uint32_t>(model.spec.vocab),
                                                       .window = static_cast<std::uint64_t>(flags.window),
                                                       .stride = static_cast<std::uint64_t>(flags.stride),
                                                       .windows = plan.windows.size(),
                                                       .model = flags.model.model,
                                                       .tokens = plan.tokens}));
    writer.emplace(std::move(created));
  }
  const std::string_view token_bytes(reinterpret_cast<const char*>(plan.tokens.data()),
                                     plan.tokens.size() * sizeof(TokenId));
  // Logits that were not computed in this run could not be saved.
  Progress kept(fmt::format("text {} {} {} {}", fingerprint, configuration(flags), hash_of(token_bytes),
                            model.weights->ops().isa),
                flags.resume && !writer);
  SW_ASSIGN(const TextResult result, score_text(flags, loaded, plan, baseline ? &*baseline : nullptr,
                                                writer ? &*writer : nullptr, kept, line, stop));
  if (result.losses.empty()) return fail("interrupted before the first window was done");
  if (writer && !result.interrupted) SW_TRY(writer->commit());
  if (!result.interrupted) kept.done();

  const Perplexity perplexity = perplexity_of(result.losses);
  std::vector<Metric> metrics = {metric("perplexity", "", Better::lower, perplexity.value, perplexity.interval)};
  nlohmann::ordered_json json = {{"model", flags.model.model},
                                 {"text", flags.text.empty() ? flags.baseline : flags.text},
                                 {"convention", name(flags.convention)},
                                 {"window", flags.window}};
  if (flags.convention == Convention::transformers) json["stride"] = flags.stride;
  json.update({{"windows", result.losses.size()},
               {"tokens", static_cast<std::int64_t>(perplexity.tokens)},
               {"perplexity", perplexity.value},
               {"low", perplexity.interval.low},
               {"high", perplexity.interval.high},
               {"standard_error", perplexity.standard_error},
               {"nats_per_token", perplexity.nats_per_token},
               {"tok_s", result.windows_per_s * flags.window},
               {"interrupted", result.interrupted}});

  report::Document document{
      .title = fmt::format("eval of {}", flags.model.model), .facts = {}, .elements = {}, .conclusion = {}};
  document.facts = {
      {"text", json["text"].get<std::string>()},
      {"windows", fmt::format("{} of {} tokens, {} scored; {}", result.losses.size(), flags.window,
                              static_cast<std::int64_t>(perplexity.tokens),
                              flags.convention == Convention::llama_cpp
                                  ? "the second half of each, as llama.cpp does"
                                  : fmt::format("sliding by {}, as transformers' documentation does", flags.stride))}};
  report::Table table{.title = "", .columns = {{"", "", report::Format::text}, {"value", "95%"}}, .rows = {}};
  const auto estimate = [](double value, const Interval& interval) {
    return report::Estimate{value, interval.low, interval.high};
  };
  table.rows.push_back({"perplexity", estimate(perplexity.value, perplexity.interval)});
  document.conclusion =
      fmt::format("perplexity {:.4f} ± {:.4f} over {} tokens ({} convention)", perplexity.value,
                  perplexity.standard_error, static_cast<std::int64_t>(perplexity.tokens), name(flags.convention));
  if (baseline) {
    std::vector<double> kl, more, weights;
    double sum_kl = 0, sum_more = 0, same = 0;
    for (std::size_t i = 0; i < result.divergences.size(); ++i) {
      const WindowDivergence& d = result.divergences[i];
      const double tokens = result.losses[i].tokens;
      kl.push_back(d.kl / tokens);
      more.push_back(d.nats_more / tokens);
      weights.push_back(tokens);
      sum_kl += d.kl;
      sum_more += d.nats_more;
      same += d.same_top;
    }
    const double n = perplexity.tokens;
    const Interval kl_interval = bootstrap_mean(kl, weights), more_interval = bootstrap_mean(more, weights);
    const Interval same_interval = wilson_interval(std::llround(same), std::llround(n));
    const double change = std::expm1(sum_more / n);
    const Interval change_interval{std::expm1(more_interval.low), std::expm1(more_interval.high)};
    json["baseline"] = {
        {"file", flags.baseline},
        {"model", baseline->header().model},
        {"kl_divergence", {{"mean", sum_kl / n}, {"low", kl_interval.low}, {"high", kl_interval.high}}},
        {"same_top_token", {{"share", same / n}, {"low", same_interval.low}, {"high", same_interval.high}}},
        {"perplexity_change", {{"value", change}, {"low", change_interval.low}, {"high", change_interval.high}}}};
    table.rows.push_back({"KL divergence, nats", estimate(sum_kl / n, kl_interval)});
    table.rows.push_back({"same most likely token, %",
                          report::Estimate{100 * same / n, 100 * same_interval.low, 100 * same_interval.high}});
    table.rows.push_back({"perplexity above baseline's, %",
                          report::Estimate{100 * change, 100 * change_interval.low, 100 * change_interval.high}});
    document.facts.emplace_back("baseline", baseline->header().model);
    document.conclusion += fmt::format("; {:.5f} nats from {}, with the same most likely token {:.2f}% of the time",
                                       sum_kl / n, baseline->header().model, 100 * same / n);
    metrics.push_back(metric("kl_divergence", "nats", Better::lower, sum_kl / n, kl_interval));
    metrics.push_back(metric("same_top_token", "", Better::higher, same / n, same_interval));
  }
  document.elements.push_back(std::move(table));
  if (result.interrupted) {
    document.elements.push_back(interrupted_note(result.losses.size(), result.planned, "windows", kept.keeps()));
    document.tone = report::Tone::warning;
  }
  if (writer && !result.interrupted)
    document.elements.push_back(report::Note{fmt::format(
        "Logits saved. Compare another model with them: speedwins eval MODEL --baseline {}", flags.save_logits)});
  Recording recording(flags.output, {.command = "eval",
                                     .model = flags.model.model,
                                     .model_hash = fingerprint,
                                     .configuration = configuration(flags)});
  recording.finish(metrics, result.interrupted ? RunStatus::interrupted : RunStatus::done);
  return make_report(std::move(json), document, flags.output, context);
}

/// Right answers of one task at one grade.
struct Cell {
  int right = 0, right_per_byte = 0, asked = 0;
};

Result<Report> eval_tasks(const EvalFlags& flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine line;
  SW_ASSIGN(const std::vector<TaskItem> items, read_tasks(flags.tasks, flags.items));
  line.show("loading");
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  if (!loaded.model->tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);
  SW_ASSIGN(TaskRunner runner, TaskRunner::create(*loaded.model, *loaded.pool, flags.model.kv_type, flags.choices));
  const std::string fingerprint = model_fingerprint(flags.model.model);
  std::string questions;
  for (const TaskItem& item : items) {
    questions += item.id + '\n';
    for (const TaskTurn& turn : item.history) questions += turn.role + '\n' + turn.content + '\n';
    questions += item.prompt + '\n';
  }
  Progress kept(fmt::format("tasks {} {} {} {}", fingerprint, configuration(flags), hash_of(questions),
                            loaded.model->weights->ops().isa),
                flags.resume);

  std::map<std::string, std::map<int, Cell>> cells;
  Cell all;
  bool interrupted = false, choices = false;
  nlohmann::ordered_json replies = nlohmann::ordered_json::array();
  Pace pace;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const TaskItem& item = items[i];
    TaskOutcome outcome;
    if (const auto* known = kept.find(static_cast<std::int64_t>(i), 2)) {
      outcome.right = (*known)[0] != 0;
      outcome.right_per_byte = (*known)[1] != 0;
    } else {
      if (stop) {
        interrupted = true;
        break;
      }
      auto asked = runner.ask(item, &stop);
      if (!asked && stop) {
        interrupted = true;
        break;
      }
      if (!asked) return std::unexpected(asked.error());
      outcome = std::move(*asked);
      kept.add(static_cast<std::int64_t>(i), {outcome.right ? 1.0 : 0.0, outcome.right_per_byte ? 1.0 : 0.0});
      pace.computed();
    }
    choices = choices || std::holds_alternative<MultipleChoice>(item.scorer);
    for (Cell* cell : {&all, &cells[item.task][item.grade]}) {
      ++cell->asked;
      cell->right += outcome.right;
      cell->right_per_byte += outcome.right_per_byte;
    }
    replies.push_back({{"id", item.id}, {"right", outcome.right}, {"reply", outcome.reply}});
    line.show(
        fmt::format("{}/{} questions, {} right{}", i + 1, items.size(), all.right, pace.left(items.size() - i - 1)));
  }
  if (all.asked == 0) return fail("interrupted before the first question was answered");
  if (!interrupted) kept.done();

  const auto share = [](int right, int asked) { return asked > 0 ? static_cast<double>(right) / asked : 0.0; };
  const Interval interval = wilson_interval(all.right, all.asked);
  nlohmann::ordered_json json = {{"model", flags.model.model}, {"tasks", flags.tasks},
                                 {"items", all.asked},         {"accuracy", share(all.right, all.asked)},
                                 {"low", interval.low},        {"high", interval.high},
                                 {"interrupted", interrupted}};
  if (choices) json["accuracy_per_byte"] = share(all.right_per_byte, all.asked);
  report::Document document{
      .title = fmt::format("eval of {}", flags.model.model), .facts = {}, .elements = {}, .conclusion = {}};
  document.facts = {{"tasks", fmt::format("{}, {} questions", flags.tasks, all.asked)}};
  report::Table table{.title = "Right answers by task and grade",
                      .columns = {{"task", "", report::Format::text},
                                  {"grade", "", report::Format::integer},
                                  {"right", "95%", report::Format::percent},
                                  {"of", "", report::Format::integer},
                                  {"", "", report::Format::bar}},
                      .rows = {}};
  std::vector<Metric> metrics = {metric("accuracy", "", Better::higher, share(all.right, all.asked), interval)};
  for (const auto& [task, grades] : cells)
    for (const auto& [grade, cell] : grades) {
      const double right = share(cell.right, cell.asked);
      const Interval within = wilson_interval(cell.right, cell.asked);
      table.rows.push_back({task, static_cast<double>(grade), report::Estimate{right, within.low, within.high},
                            static_cast<double>(cell.asked), right});
      json["by_task"][task][std::to_string(grade)] = {
          {"right", cell.right}, {"items", cell.asked}, {"low", within.low}, {"high", within.high}};
      metrics.push_back(metric(fmt::format("accuracy_{}_{}", task, grade), "", Better::higher, right, within));
    }
  json["replies"] = std::move(replies);
  document.elements.push_back(std::move(table));
  if (interrupted) {
    document.elements.push_back(
        interrupted_note(static_cast<std::size_t>(all.asked), items.size(), "questions", kept.keeps()));
    document.tone = report::Tone::warning;
  }
  document.conclusion = fmt::format("{} of {} right: {:.1f}% [{:.1f}%, {:.1f}%]", all.right, all.asked,
                                    100 * share(all.right, all.asked), 100 * interval.low, 100 * interval.high);
  if (choices && flags.choices == ChoiceScoring::likelihood)
    document.conclusion +=
        fmt::format("; with the likelihood of choices per byte {:.1f}%", 100 * share(all.right_per_byte, all.asked));
  Recording recording(flags.output, {.command = "eval",
                                     .model = flags.model.model,
                                     .model_hash = fingerprint,
                                     .configuration = configuration(flags)});
  recording.finish(metrics, interrupted ? RunStatus::interrupted : RunStatus::done);
  return make_report(std::move(json), document, flags.output, context);
}

}  // namespace

void add_eval_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand("eval", "Quality: perplexity, tasks, distance from a baseline");
  add_model_argument(*command, flags->model.model);
  CLI::Option_group* what = command->add_option_group("What to measure (one of)");
  what->add_option("--text", flags->text, "Perplexity of this text file")->check(CLI::ExistingFile);
  what->add_option("--tasks", flags->tasks,
                   "Right answers to the questions of this JSONL file, or of `suite`, the program's own");
  what->add_option("--baseline", flags->baseline, "Distance from the logits that --save-logits wrote, on their text")
      ->check(CLI::ExistingFile);
  what->require_option(1);
  command->add_option("--ctx", flags->window, "Tokens per window")
      ->check(CLI::Range(4, 1 << 24))
      ->capture_default_str();
  command->add_option("--windows", flags->windows, "Only the first windows (default: all)")
      ->check(CLI::Range(1, 1 << 30));
  static const std::map<std::string, Convention> conventions = {{"llama.cpp", Convention::llama_cpp},
                                                                {"transformers", Convention::transformers}};
  command
      ->add_option("--convention", flags->convention,
                   "How the text is cut and scored: llama.cpp (default) or transformers")
      ->transform(CLI::CheckedTransformer(conventions));
  command->add_option("--stride", flags->stride, "transformers: tokens between windows (default: half of --ctx)")
      ->check(CLI::Range(1, 1 << 24));
  command->add_flag("--special", flags->special, "Special tokens written in the text count as such: conversations");
  command->add_option("--save-logits", flags->save_logits,
                      "Write every scored distribution to this file, as a baseline");
  command->add_option("--items", flags->items, "Only so many of the questions, evenly spread")
      ->check(CLI::Range(1, 1 << 20));
  static const std::map<std::string, ChoiceScoring> scorings = {{"likelihood", ChoiceScoring::likelihood},
                                                                {"generation", ChoiceScoring::generation}};
  command->add_option("--choices", flags->choices, "Multiple choice by likelihood (default) or generation")
      ->transform(CLI::CheckedTransformer(scorings));
  command->add_flag("--resume", flags->resume, "Go on where an interrupted run of the same evaluation stopped");
  command->add_option("-t,--threads", flags->model.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  add_kv_flag(*command, flags->model.kv_type);
  add_output_flags(*command, flags->output);
  command->footer(
      "Conventions, whose numbers do not compare with each other:\n"
      "  llama.cpp     windows that do not overlap; in each, the tokens of the second half are scored. A model\n"
      "                that begins texts with a token (BOS) sees it in place of every window's first token.\n"
      "  transformers  a window slides by --stride; all tokens it did not hold before are scored. The loop of\n"
      "                \"Perplexity of fixed-length models\" in the documentation of Hugging Face transformers.\n"
      "\n"
      "Tasks: JSONL in the form of content/tasks/README.md. Ctrl-C shows what there is; --resume goes on.\n"
      "\n"
      "Examples:\n"
      "  speedwins eval model.gguf --text wiki.test.raw --ctx 512\n"
      "  speedwins eval model.gguf --text wiki.test.raw --convention transformers --ctx 1024 --stride 512\n"
      "  speedwins eval model-f16.gguf --text wiki.test.raw --windows 20 --save-logits f16.logits\n"
      "  speedwins eval model-q4.gguf --baseline f16.logits          KL divergence, top-1 agreement\n"
      "  speedwins eval model.gguf --tasks suite --html tasks.html");
  on_command(*command, context, [flags, &context] {
    return flags->tasks.empty() ? eval_text(*flags, context) : eval_tasks(*flags, context);
  });
}

}  // namespace sw
