#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/executor.hpp"
#include "model/model.hpp"
#include "serving/fair_share.hpp"
#include "serving/job.hpp"
#include "serving/step_budget.hpp"
#include "state/prefix_cache.hpp"

namespace sw {

/// Decides what each step reads. Texts have an order: by priority, then by their client's fair share. First every text
/// that is being written reads its latest token, then prompts are read in order as far as the step's budget goes. When
/// memory runs out the last text in the order gives its own up, and reads again later what the prefix cache has lost.
class Scheduler {
 public:
  struct Options {
    int max_sequences = 64;
    int max_batch_tokens = 512;
  };
  /// All must outlive the scheduler.
  Scheduler(const Model& model, StatePool& state, PrefixCache& cache, const Options& options, StepBudget budget);

  void add(std::shared_ptr<Job> job);
  void cancel(RequestId id);
  void cancel_all();
  /// Ends the jobs whose deadline is over.
  void expire(Clock::time_point now);
  std::optional<Clock::time_point> next_deadline() const;

  /// The next step's batch, with room for it reserved; empty when nothing can run now.
  std::span<const BatchEntry> schedule();
  /// The batch was run and took `ms`: chooses tokens, on all threads of `pool`, and lets go of what is finished.
  void postprocess(const Logits& logits, ThreadPool& pool, double ms);
  /// The batch could not be run.
  void fail_batch(const Error& error);

  struct Delivery {
    std::shared_ptr<Job> job;
    Output output;
  };
  /// The outputs since the last call, in order.
  std::vector<Delivery> take_outputs();

  bool empty() const { return choices_.empty(); }
  int queued() const;   ///< requests that were never admitted
  int running() const;  ///< texts with a sequence
  int batch_tokens() const;

  /// Since its creation.
  struct Counters {
    std::uint64_t prompt_tokens = 0, cached_tokens = 0, disk_tokens = 0, new_tokens = 0, preemptions = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Item {
    Choice* choice;
    int n;  // tokens
    bool reads_prompt;
  };
  struct Sample {
    Choice* choice;
    int row;
    Continuation::Step step;
  };
  enum class Admission { admitted, loading, no_room };

  std::unique_ptr<Choice> make_choice(const std::shared_ptr<Job>& job, int index) const;
  void insert(std::unique_ptr<Choice> choice);

  void make_way_for_priority();
  Admission admit(Choice& choice);
  bool fits(const Choice& choice) const;
  /// Blocks a text needs to read what it is, and one token more.
  int blocks_needed(const Choice& choice) const;
  /// The last text in the order that has a sequence and is not in the batch.
  Choice* last_idle() const;
  void preempt(Choice& choice);
  /// Room for its next n tokens, at the cost of texts after it; false when there is none.
  bool make_room(Choice& choice, int n);
  /// A text in the batch is reading what this one has to read next: in the next step the cache will have it.
  bool has_twin_in_batch(const Choice& choice) const;
  /// Takes over what the cache has learned since the text was admitted.
  void catch_up(Choice& choice);
  void take(Choice& choice, int n);

  void split(Choice& parent, int row, std::vector<Sample>& samples);
  void apply(Sample& sample);
  void finish_embedding(Choice& choice);
  void finish(Choice& choice, FinishReason reason, Output output, std::optional<Error> error = {});
  void end_job(const std::shared_ptr<Job>& job, FinishReason reason, const std::optional<Error>& error = {});
  void release(Choice& choice);
  void drop_finished();

  const Model& model_;
  StatePool& state_;
  PrefixCache& cache_;
  const Options options_;
  StepBudget budget_;
  FairShare fair_;
  std::vector<std::unique_ptr<Choice>> choices_;  // in order
  std::vector<Item> batch_;
  std::vector<BatchEntry> entries_;
  std::vector<Delivery> outputs_;
  Counters counters_;
};

}  // namespace sw
