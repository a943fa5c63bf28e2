#include "baseline/document.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sw {
namespace {

using report::Document;
using report::Estimate;
using report::Format;
using report::Mark;
using report::Note;
using report::Plot;
using report::Series;
using report::Table;
using report::Tone;
using ReportCell = report::Cell;

Estimate estimate(const Score& score) {
  const Interval interval = score.interval();
  return {score.share(), interval.low, interval.high};
}

ReportCell quality(const BaselineRow& row) {
  if (row.scores.empty()) return std::monostate{};
  return row.scores.total().share();
}

Table speeds(const BaselineSetup& setup, const std::vector<BaselineRow>& rows) {
  Table table{
      .title = "Small models",
      .columns = {{"model", "", Format::text},
                  {"load", "ms"},
                  {"memory", "", Format::bytes},
                  {"first token", "ms"},
                  {"decode", "tok/s"},
                  {"energy", "J/tok"},
                  {"right", "", Format::percent}},
      .rows = {},
      .caption = fmt::format("{} prompt tokens, {} new ones, {} threads. right: of the task suite, by models with "
                             "trained weights; speed does not depend on what the weights say.{}",
                             setup.prompt_tokens, setup.new_tokens, setup.threads,
                             setup.no_energy.empty() ? "" : " Energy: " + setup.no_energy + ".")};
  for (const BaselineRow& row : rows) {
    std::vector<ReportCell> cells{row.model};
    if (row.speed) {
      const BaselineSpeed& speed = *row.speed;
      cells.insert(cells.end(),
                   {speed.load_ms.value, speed.memory_bytes, speed.ttft_ms.value, speed.decode_tok_s.value});
      cells.push_back(speed.joules_per_token ? ReportCell(*speed.joules_per_token) : ReportCell());
      cells.push_back(quality(row));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table weights(const std::vector<BaselineRow>& rows) {
  Table table{.title = "Weights", .columns = {{"model", "", Format::text}, {"weights", "", Format::text}}, .rows = {}};
  for (const BaselineRow& row : rows) table.rows.push_back({row.model, row.error.empty() ? row.weights : row.error});
  return table;
}

Table intervals(const std::vector<BaselineRow>& rows) {
  Table table{
      .title = "95 % intervals",
      .columns = {{"model", "", Format::text}, {"first token", "ms"}, {"prefill", "tok/s"}, {"decode", "tok/s"}},
      .rows = {}};
  for (const BaselineRow& row : rows)
    if (row.speed)
      table.rows.push_back({row.model, row.speed->ttft_ms, row.speed->prefill_tok_s, row.speed->decode_tok_s});
  return table;
}

Table map(const BaselineSetup& setup, const std::vector<Contender>& models, const std::vector<TaskItem>& suite) {
  Table table{.title = "The smallest sufficient model",
              .columns = {{"task", "", Format::text}},
              .rows = {},
              .caption = fmt::format("Sufficient: at least {:.0f} % right. !: the whole 95 % interval is (Wilson). "
                                     "Only models with trained weights are asked. Grade 1 is the easiest.",
                                     100 * setup.enough)};
  for (int grade = 1; grade <= grades_of(suite); ++grade)
    table.columns.push_back({fmt::format("grade {}", grade), "", Format::text});
  for (const std::string& task : tasks_of(suite)) {
    std::vector<ReportCell> row{task};
    for (int grade = 1; grade <= grades_of(suite); ++grade) {
      const auto found = smallest_sufficient(models, {task, grade}, setup.enough);
      if (found)
        row.push_back(fmt::format("{}{} {:.0f}%", found->model, found->confidence == Confidence::sure ? "!" : "",
                                  100 * found->score.share()));
      else
        row.push_back("none");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table accuracy(const Contender& model, const std::vector<TaskItem>& suite) {
  Table table{.title = "Right answers of " + model.name,
              .columns = {{"task", "", Format::text}, {"all", "", Format::percent}},
              .rows = {}};
  for (int grade = 1; grade <= grades_of(suite); ++grade)
    table.columns.push_back({fmt::format("grade {}", grade), "", Format::percent});
  for (const std::string& task : tasks_of(suite)) {
    std::vector<ReportCell> row{task, estimate(model.scores->of_task(task))};
    for (int grade = 1; grade <= grades_of(suite); ++grade) {
      const Score score = model.scores->at({task, grade});
      row.push_back(score.asked > 0 ? ReportCell(score.share()) : ReportCell());
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Plot trade_off(const std::vector<BaselineRow>& rows) {
  Series measured{.name = "models", .mark = Mark::points, .points = {}};
  for (const BaselineRow& row : rows) {
    if (!row.speed || row.scores.empty()) continue;
    const Estimate right = estimate(row.scores.total());
    measured.points.push_back({.x = row.speed->decode_tok_s.value,
                               .y = 100 * right.value,
                               .low = 100 * right.low,
                               .high = 100 * right.high,
                               .label = row.model});
  }
  return {.title = "quality against speed",
          .x = {"tokens/s", true},
          .y = {"right, %"},
          .series = {std::move(measured)},
          .caption = {}};
}

std::string conclusion(const BaselineSetup& setup, bool are_trained, const std::vector<Contender>& models,
                       const std::vector<TaskItem>& suite) {
  if (models.empty() && setup.interrupted) return "Interrupted before a question was answered.";
  if (models.empty() && are_trained) return "";  // nothing was to be asked
  if (models.empty())
    return "No model with trained weights was there: `speedwins pull` fetches one, such as "
           "Qwen/Qwen2.5-0.5B-Instruct-GGUF.";
  int cells = 0, covered = 0;
  for (const std::string& task : tasks_of(suite))
    for (int grade = 1; grade <= grades_of(suite); ++grade) {
      ++cells;
      covered += smallest_sufficient(models, {task, grade}, setup.enough).has_value();
    }
  const char* so_far = setup.interrupted ? "Interrupted; so far: " : "";
  if (covered == 0)
    return fmt::format(
        "{}None of {} kinds and grades of work has a model here that gets {:.0f} % right: `speedwins pull` "
        "fetches larger ones.",
        so_far, cells, 100 * setup.enough);
  return fmt::format("{}{} of {} kinds and grades of work have a model here that gets {:.0f} % right.", so_far, covered,
                     cells, 100 * setup.enough);
}

}  // namespace

std::vector<std::string> tasks_of(const std::vector<TaskItem>& suite) {
  std::vector<std::string> tasks;
  for (const TaskItem& item : suite)
    if (std::ranges::find(tasks, item.task) == tasks.end()) tasks.push_back(item.task);
  return tasks;
}

int grades_of(const std::vector<TaskItem>& suite) {
  int highest = 0;
  for (const TaskItem& item : suite) highest = std::max(highest, item.grade);
  return highest;
}

std::vector<Contender> contenders(const std::vector<BaselineRow>& rows) {
  std::vector<Contender> models;
  for (const BaselineRow& row : rows)
    if (!row.scores.empty()) models.push_back({row.model, &row.scores});
  return models;
}

Document baseline_document(const BaselineSetup& setup, const std::vector<BaselineRow>& rows,
                           const std::vector<TaskItem>& suite) {
  const std::vector<Contender> models = contenders(rows);
  Document document{.title = "small-model baseline", .facts = {}, .elements = {}, .conclusion = {}};
  const bool are_trained = std::ranges::any_of(rows, &BaselineRow::real);
  const std::string asked = !models.empty()     ? fmt::format("{} questions of {} kinds, {} grades", suite.size(),
                                                              tasks_of(suite).size(), grades_of(suite))
                            : setup.interrupted ? "none asked: interrupted"
                            : are_trained       ? "none asked"
                                                : "none asked: no trained weights";
  document.facts.emplace_back("tasks", asked);
  document.elements.push_back(speeds(setup, rows));
  document.elements.push_back(weights(rows));
  document.elements.push_back(intervals(rows));
  if (!models.empty()) {
    document.elements.push_back(map(setup, models, suite));
    for (const Contender& model : models) document.elements.push_back(accuracy(model, suite));
    if (models.size() > 1) document.elements.push_back(trade_off(rows));
    document.elements.push_back(Note{
        "A reply is right or wrong by rule: classification, extraction and recall must equal an answer, numbers the "
        "number, summaries hold every fact in few words, instructions meet every constraint."});
  }
  for (const BaselineRow& row : rows) {
    if (!row.error.empty())
      document.elements.push_back(Note{fmt::format("{} was not measured: {}", row.model, row.error), Tone::bad});
    if (row.did_not_fit > 0)
      document.elements.push_back(Note{
          fmt::format("{} questions did not fit the context of {} and count as wrong.", row.did_not_fit, row.model),
          Tone::warning});
  }
  document.conclusion = conclusion(setup, are_trained, models, suite);
  return document;
}

}  // namespace sw
