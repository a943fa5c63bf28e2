#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/model.hpp"
#include "state/state.hpp"
#include "tasks/task.hpp"

namespace sw {

enum class ChoiceScoring : std::uint8_t {
  likelihood,  ///< of the choices as continuations of the prompt, the likeliest is the answer
  generation,  ///< the reply is what the model writes
};

/// What a model made of one item.
struct TaskOutcome {
  bool right = false;
  std::string reply;  ///< the text, or the choice taken
  /// Multiple choice by likelihood: whether the choice with the largest log-likelihood per byte is right, which does
  /// not favour short choices (lm-evaluation-harness calls it acc_norm).
  bool right_per_byte = false;
  int prompt_tokens = 0, new_tokens = 0;
  double ms = 0;
};

/// Asks a model the items of a task, greedily: in its chat template where it has one, else the prompt, a line break and
/// "Answer:".
class TaskRunner {
 public:
  /// `model` and `pool` must outlive it. An Error where the model has no tokenizer.
  static Result<TaskRunner> create(const Model& model, ThreadPool& pool, KvType kv_type,
                                   ChoiceScoring choices = ChoiceScoring::likelihood);
  TaskRunner(TaskRunner&&) noexcept;
  TaskRunner& operator=(TaskRunner&&) noexcept;
  ~TaskRunner();

  /// An Error where the prompt does not fit the context.
  Result<TaskOutcome> ask(const TaskItem& item, const std::atomic<bool>* cancel = nullptr);

 private:
  struct Impl;
  explicit TaskRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The prompt of an item as text, in the form of content/tasks/README.md, for servers and models without a template.
std::string plain_prompt(const TaskItem& item);

}  // namespace sw
