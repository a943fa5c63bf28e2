#pragma once

#include <optional>
#include <string>
#include <vector>

#include "baseline/sufficiency.hpp"
#include "measure/report.hpp"

namespace sw {

/// How fast one model is: medians with 95 % intervals.
struct BaselineSpeed {
  report::Estimate load_ms, ttft_ms, prefill_tok_s, decode_tok_s;
  double memory_bytes = 0;                      ///< resident, at most
  std::optional<double> joules_per_token = {};  ///< of the whole run, prompt tokens included
};

/// One row of the small-model table.
struct BaselineRow {
  std::string model, weights;
  bool real = false;  ///< trained weights: answers mean something
  std::optional<BaselineSpeed> speed;
  ScoreCard scores;
  int did_not_fit = 0;     ///< questions longer than the model's context, counted as wrong
  std::string error = {};  ///< why there is nothing
};

struct BaselineSetup {
  int prompt_tokens = 0, new_tokens = 0, threads = 0;
  double enough = 0.8;  ///< the share of right answers that is good enough
  std::string no_energy = {};
  bool interrupted = false;
};

/// Models that have answered, in the order of the rows.
std::vector<Contender> contenders(const std::vector<BaselineRow>& rows);

/// The table, and the map from task and grade to the smallest sufficient model. `suite`: what was asked.
report::Document baseline_document(const BaselineSetup& setup, const std::vector<BaselineRow>& rows,
                                   const std::vector<TaskItem>& suite);

/// The tasks of a suite in their order, and its highest grade.
std::vector<std::string> tasks_of(const std::vector<TaskItem>& suite);
int grades_of(const std::vector<TaskItem>& suite);

}  // namespace sw
