#include "serving/scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "ops/ops.hpp"

namespace sw {
namespace {

auto rank(const Choice& choice) {
  const Job& job = *choice.job;
  return std::tuple(-job.request.priority, job.place, job.id, choice.index);
}

double cost_of(const Request& request) {
  return static_cast<double>(request.prompt.size());
}

}  // namespace

Scheduler::Scheduler(const Model& model, StatePool& state, PrefixCache& cache, const Options& options,
                     StepBudget budget)
    : model_(model), state_(state), cache_(cache), options_(options), budget_(std::move(budget)) {}

std::unique_ptr<Choice> Scheduler::make_choice(const std::shared_ptr<Job>& job, int index) const {
  const Request& request = job->request;
  auto choice = std::make_unique<Choice>();
  choice->job = job;
  choice->index = index;
  choice->text = request.prompt;
  if (request.kind == RequestKind::embed) {
    choice->hidden_sum.assign(static_cast<std::size_t>(model_.spec.width), 0.0f);
    return choice;
  }
  TextOptions options = request;
  options.sampling.seed += static_cast<std::uint64_t>(index);
  // One token more than fits: the last one is not read any more.
  const int room = model_.spec.context - static_cast<int>(request.prompt.size()) + 1;
  choice->continuation.emplace(*model_.tokenizer, options, request.prompt, room);
  return choice;
}

void Scheduler::insert(std::unique_ptr<Choice> choice) {
  const auto after = std::ranges::upper_bound(choices_, rank(*choice), {}, [](const auto& c) { return rank(*c); });
  choices_.insert(after, std::move(choice));
}

void Scheduler::add(std::shared_ptr<Job> job) {
  if (choices_.empty()) fair_.idle();
  job->place = fair_.place(job->request.client, cost_of(job->request));
  job->finished.assign(static_cast<std::size_t>(job->request.n), false);
  insert(make_choice(job, 0));
}

void Scheduler::cancel(RequestId id) {
  const auto found = std::ranges::find(choices_, id, [](const auto& c) { return c->job->id; });
  if (found == choices_.end()) return;
  end_job((*found)->job, FinishReason::cancelled);
  drop_finished();
}

void Scheduler::cancel_all() {
  while (!choices_.empty()) cancel(choices_.front()->job->id);
}

void Scheduler::expire(Clock::time_point now) {
  std::vector<std::shared_ptr<Job>> late;
  for (const auto& choice : choices_)
    if (const auto& deadline = choice->job->request.deadline; deadline && *deadline <= now) late.push_back(choice->job);
  for (const auto& job : late)
    if (!job->is_over()) end_job(job, FinishReason::deadline);
  if (!late.empty()) drop_finished();
}

std::optional<Clock::time_point> Scheduler::next_deadline() const {
  std::optional<Clock::time_point> next;
  for (const auto& choice : choices_)
    if (const auto& deadline = choice->job->request.deadline; deadline && (!next || *deadline < *next)) next = deadline;
  return next;
}

int Scheduler::queued() const {
  return static_cast<int>(std::ranges::count_if(choices_, [](const auto& c) { return c->index == 0 && !c->admitted; }));
}

int Scheduler::running() const {
  return static_cast<int>(std::ranges::count_if(choices_, [](const auto& c) { return c->sequence.has_value(); }));
}

int Scheduler::batch_tokens() const {
  int tokens = 0;
  for (const Item& item : batch_) tokens += item.n;
  return tokens;
}

std::span<const BatchEntry> Scheduler::schedule() {
  batch_.clear();
  entries_.clear();
  make_way_for_priority();
  for (const auto& choice : choices_)
    if (choice->is_decoding() && make_room(*choice, 1)) take(*choice, 1);

  const int running = static_cast<int>(batch_.size());
  const auto waits = [](const auto& choice) { return !choice->is_decoding() && !choice->fetch; };
  int budget = budget_.prompt_tokens(running, static_cast<int>(std::ranges::count_if(choices_, waits)));
  bool admitting = true;
  for (const auto& choice : choices_) {
    if (budget <= 0) break;
    if (choice->is_decoding()) continue;
    if (!choice->sequence) {
      if (!admitting) continue;
      const Admission admission = admit(*choice);
      // Whoever is next in order gets the room that becomes free.
      admitting = admission != Admission::no_room;
      if (admission != Admission::admitted) continue;
    }
    if (std::exchange(choice->waits_for_twin, false)) catch_up(*choice);
    if (has_twin_in_batch(*choice)) {
      choice->waits_for_twin = true;
      continue;
    }
    int n = std::min(budget, choice->pending());
    if (const int interval = cache_.snapshot_interval(); interval > 0)
      n = std::min(n, interval - choice->held % interval);
    if (!make_room(*choice, n)) continue;
    take(*choice, n);
    budget -= n;
  }
  return entries_;
}

/// The first text that waits for room may take it from texts of lower priority.
void Scheduler::make_way_for_priority() {
  const auto waits = [](const auto& c) { return !c->sequence && !c->fetch; };
  const auto first = std::ranges::find_if(choices_, waits);
  if (first == choices_.end()) return;
  while (!fits(**first)) {
    Choice* last = last_idle();
    if (!last || last->job->request.priority >= (*first)->job->request.priority) return;
    preempt(*last);
  }
}

Scheduler::Admission Scheduler::admit(Choice& choice) {
  if (choice.fetch) {
    if (cache_.is_fetching(*choice.fetch)) return Admission::loading;
    choice.fetch.reset();
  }
  if (!fits(choice)) return Admission::no_room;
  const bool first_time = !choice.admitted;
  if (first_time) {
    choice.admitted = Clock::now();
    fair_.started(choice.job->place);
  }
  const bool embeds = choice.job->request.kind == RequestKind::embed;  // needs every token's hidden state
  // A second attempt, where the first one only waited for another text's.
  if (!embeds && choice.fetches < 2) {
    if (const auto fetch = cache_.fetch(choice.cacheable())) {
      choice.fetch = fetch->id;
      ++choice.fetches;
      if (!choice.loaded) choice.timings.disk_tokens += fetch->blocks * kv_block;
      return Admission::loading;
    }
  }
  const auto opened = cache_.open();
  if (!opened) return Admission::no_room;
  choice.sequence = *opened;
  choice.held = embeds ? 0 : cache_.adopt(*opened, choice.cacheable());
  if (!choice.loaded) {
    choice.loaded = Clock::now();
    choice.timings.cached_tokens = choice.held;
    choice.timings.disk_tokens = std::min(choice.timings.disk_tokens, choice.held);
    counters_.cached_tokens += static_cast<std::uint64_t>(choice.held);
    counters_.disk_tokens += static_cast<std::uint64_t>(choice.timings.disk_tokens);
  }
  return Admission::admitted;
}

int Scheduler::blocks_needed(const Choice& choice) const {
  if (state_.block_bytes() == 0) return 0;
  const int wanted = (static_cast<int>(choice.text.size()) + kv_block) / kv_block;  // ⌈(size + 1) / kv_block⌉
  const int has = choice.sequence ? static_cast<int>(state_.blocks_of(*choice.sequence).size()) : 0;
  return std::max(0, wanted - has);
}

bool Scheduler::fits(const Choice& choice) const {
  int needed = blocks_needed(choice), running_texts = 0;
  for (const auto& other : choices_) {
    if (!other->sequence) continue;
    needed += blocks_needed(*other);
    ++running_texts;
  }
  // Alone it always fits, if not now then when the disk has let go of what it writes.
  return running_texts == 0 || (running_texts < options_.max_sequences && needed <= cache_.available_blocks());
}

Choice* Scheduler::last_idle() const {
  for (auto it = choices_.rbegin(); it != choices_.rend(); ++it)
    if ((*it)->sequence && !(*it)->in_batch) return it->get();
  return nullptr;
}

void Scheduler::preempt(Choice& choice) {
  release(choice);
  if (choice.job->request.kind == RequestKind::embed) std::ranges::fill(choice.hidden_sum, 0.0f);
  choice.fetches = 0;
  ++choice.timings.preemptions;
  ++counters_.preemptions;
}

bool Scheduler::make_room(Choice& choice, int n) {
  while (!cache_.reserve(*choice.sequence, n)) {
    Choice* last = last_idle();
    if (last == &choice && !choice.is_decoding()) return false;  // a prompt waits where it is
    preempt(*last);
    if (last == &choice) return false;
  }
  return true;
}

bool Scheduler::has_twin_in_batch(const Choice& choice) const {
  if (!cache_.is_enabled() || choice.job->request.kind == RequestKind::embed) return false;
  const int unit = std::max(kv_block, cache_.snapshot_interval());
  return std::ranges::any_of(batch_, [&](const Item& item) {
    if (!item.reads_prompt || item.choice->held < choice.held) return false;
    const auto wanted = choice.cacheable();
    const auto common = std::ranges::mismatch(wanted, item.choice->text).in1 - wanted.begin();
    return static_cast<int>(common) / unit * unit > choice.held;
  });
}

void Scheduler::catch_up(Choice& choice) {
  if (cache_.known(choice.cacheable()) <= choice.held) return;
  if (!state_.truncate(*choice.sequence, 0)) return;
  const int held = cache_.adopt(*choice.sequence, choice.cacheable());
  choice.timings.cached_tokens += held - choice.held;
  counters_.cached_tokens += static_cast<std::uint64_t>(held - choice.held);
  choice.held = held;
}

void Scheduler::take(Choice& choice, int n) {
  BatchEntry entry;
  entry.sequence = *choice.sequence;
  entry.tokens =
      std::span<const TokenId>(choice.text).subspan(static_cast<std::size_t>(choice.held), static_cast<std::size_t>(n));
  if (choice.continuation) {
    entry.n_logits = n == choice.pending() ? 1 : 0;
    // Choices that begin with the same row of logits do not want the same of it.
    if (choice.job->split || choice.job->request.n == 1) entry.wanted = choice.continuation->wanted();
  } else {
    entry.n_logits = 0;
    entry.hidden_sum = choice.hidden_sum.data();
  }
  entries_.push_back(entry);
  batch_.push_back({&choice, n, !choice.is_decoding()});
  choice.in_batch = true;
}

void Scheduler::postprocess(const Logits& logits, ThreadPool& pool, double ms) {
  std::vector<Sample> samples;
  int running = 0, prompt_tokens = 0, row = 0;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const Item& item = batch_[i];
    Choice& choice = *item.choice;
    choice.in_batch = false;
    choice.held += item.n;
    (item.reads_prompt ? prompt_tokens : running) += item.n;
    const int interval = cache_.snapshot_interval();
    if (item.reads_prompt && (interval == 0 || choice.held % interval == 0))
      cache_.remember(*choice.sequence, std::span(choice.text).first(static_cast<std::size_t>(choice.held)), false);
    if (entries_[i].n_logits == 0) continue;
    samples.push_back({&choice, row, {}});
    if (!choice.job->split) split(choice, row, samples);
    ++row;
  }
  budget_.observe(running, prompt_tokens, ms);
  counters_.prompt_tokens += static_cast<std::uint64_t>(prompt_tokens);

  // A row that was screened is the only one, and the loop then runs here: computing more of it may use the pool.
  pool.parallel_for(std::ssize(samples), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      Sample& sample = samples[static_cast<std::size_t>(i)];
      sample.step = sample.choice->continuation->advance(logits.whole_row(sample.row));
    }
  });
  for (Sample& sample : samples) apply(sample);
  for (const Item& item : batch_)
    if (!item.choice->continuation && item.choice->pending() == 0) finish_embedding(*item.choice);
  drop_finished();
}

void Scheduler::fail_batch(const Error& error) {
  std::vector<std::shared_ptr<Job>> jobs;
  for (const Item& item : batch_) {
    item.choice->in_batch = false;
    jobs.push_back(item.choice->job);
  }
  for (const auto& job : jobs)
    if (!job->is_over()) end_job(job, FinishReason::failed, error);
  drop_finished();
}

/// The prompt of a job with several choices was read: all begin from there.
void Scheduler::split(Choice& parent, int row, std::vector<Sample>& samples) {
  parent.job->split = true;
  for (int index = 1; index < parent.job->request.n; ++index) {
    auto choice = make_choice(parent.job, index);
    choice->admitted = parent.admitted;
    choice->timings = parent.timings;
    if (running() < options_.max_sequences) {
      if (const auto copy = cache_.fork(*parent.sequence)) {
        choice->sequence = *copy;
        choice->held = parent.held;
        choice->loaded = parent.loaded;
        samples.push_back({choice.get(), row, {}});
      }
    }
    insert(std::move(choice));
  }
}

void Scheduler::apply(Sample& sample) {
  Choice& choice = *sample.choice;
  Continuation::Step& step = sample.step;
  choice.last = Clock::now();
  if (!choice.first) choice.first = choice.last;
  ++choice.timings.new_tokens;
  ++counters_.new_tokens;
  Output output;
  output.choice = choice.index;
  output.text = std::move(step.text);
  if (step.token) {
    choice.text.push_back(step.token->token);
    output.tokens.push_back(std::move(*step.token));
  }
  if (step.finish)
    finish(choice, *step.finish, std::move(output));
  else
    outputs_.push_back({choice.job, std::move(output)});
}

void Scheduler::finish_embedding(Choice& choice) {
  choice.first = choice.last = Clock::now();
  double square = 0;
  for (const float x : choice.hidden_sum) square += static_cast<double>(x) * x;
  // The mean and the sum have the same direction.
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  Output output;
  output.embedding = std::move(choice.hidden_sum);
  for (float& x : output.embedding) x = static_cast<float>(x * scale);
  finish(choice, FinishReason::stop, std::move(output));
}

void Scheduler::finish(Choice& choice, FinishReason reason, Output output, std::optional<Error> error) {
  Job& job = *choice.job;
  if (choice.sequence) release(choice);
  choice.over = true;
  job.finished[static_cast<std::size_t>(choice.index)] = true;
  output.choice = choice.index;
  output.finish = Finish{reason, std::move(error), choice.timings_at(Clock::now())};
  output.done = job.is_over();
  // Its place counted the prompt.
  const double unread = choice.admitted ? 0 : cost_of(job.request);
  fair_.charge(job.request.client, choice.timings.new_tokens - unread);
  outputs_.push_back({choice.job, std::move(output)});
}

void Scheduler::end_job(const std::shared_ptr<Job>& job, FinishReason reason, const std::optional<Error>& error) {
  const int n = job->request.n;
  for (const auto& choice : choices_) {
    if (choice->job != job || choice->over) continue;
    Output output;
    if (choice->continuation) output.text = choice->continuation->rest();
    finish(*choice, reason, std::move(output), error);
  }
  for (int index = 0; index < n; ++index) {  // those that were not made yet
    if (job->finished[static_cast<std::size_t>(index)]) continue;
    job->finished[static_cast<std::size_t>(index)] = true;
    Output output;
    output.choice = index;
    output.finish = Finish{reason, error, {}};
    output.done = job->is_over();
    outputs_.push_back({job, std::move(output)});
  }
}

void Scheduler::release(Choice& choice) {
  cache_.remember(*choice.sequence, std::span(choice.text).first(static_cast<std::size_t>(choice.held)), true);
  state_.close(*choice.sequence);
  choice.sequence.reset();
  choice.held = 0;
}

void Scheduler::drop_finished() {
  std::erase_if(choices_, [](const auto& choice) { return choice->over; });
}

std::vector<Scheduler::Delivery> Scheduler::take_outputs() {
  return std::exchange(outputs_, {});
}

}  // namespace sw
