#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "measure/report.hpp"
#include "measure/statistics.hpp"
#include "model/model.hpp"
#include "state/state.hpp"
#include "tasks/task.hpp"

namespace sw {

/// How much better or worse B is than A at the same questions or the same text, from paired differences.
struct QualityDifference {
  std::string measure;     ///< "right answers", "loss on a text"
  std::string unit;        ///< of `change`: "points" or "%"
  double a = 0, b = 0;     ///< share of right answers; nats per byte of text
  double change = 0;       ///< positive: B is better. A difference of shares, or a fraction of A's loss
  Interval interval = {};  ///< of `change`, 95 %
  int items = 0;           ///< questions or pieces of text
  int equal = 0;           ///< of them, those on which both are exactly alike

  /// "−0.2% ± 0.3% quality"
  std::string text() const;
  report::Table table() const;
};

struct QualitySide {
  const Model& model;
  ThreadPool& pool;
  KvType kv_type;
};

/// What is told while a quality is measured, and what ends it early, with what there is.
struct QualityHooks {
  std::function<void(const std::string&)> progress;
  const std::atomic<bool>* stop = nullptr;
};

/// The loss on pieces of a text: per byte, so that models with different tokenizers compare. `text_file` empty: the
/// sample text.
Result<QualityDifference> text_difference(const QualitySide& a, const QualitySide& b, const std::string& text_file,
                                          const QualityHooks& hooks);

/// Whether one side answers a question right.
using AnswersRight = std::function<Result<bool>(const TaskItem&)>;
/// Right answers to the same questions.
Result<QualityDifference> task_difference(const AnswersRight& a, const AnswersRight& b,
                                          const std::vector<TaskItem>& items, const QualityHooks& hooks);

/// The items of a JSONL file, or of the program's own suite where `name` is "suite". `most` > 0: only so many, evenly
/// spread.
Result<std::vector<TaskItem>> read_tasks(const std::string& name, int most);

}  // namespace sw
