#include "train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include <fmt/core.h>

#include "base/file.hpp"
#include "measure/stopwatch.hpp"
#include "train/batches.hpp"
#include "train/network.hpp"
#include "train/random.hpp"
#include "train/snapshot.hpp"
#include "train/teacher.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

/// The steps so far, one JSON object a line in OUT/log.jsonl.
class Log {
 public:
  /// Keeps what was written of the first `steps` steps, and returns it. Only one process of a group `writes`.
  static Result<Log> open(const fs::path& path, std::int64_t steps, bool writes) {
    Log log;
    if (const auto text = read_text_file(path, std::uint64_t{1} << 32)) {
      for (std::size_t begin = 0; begin < text->size();) {
        const std::size_t end = std::min(text->find('\n', begin), text->size());
        if (const auto step = parse(std::string_view(*text).substr(begin, end - begin)); step && step->step <= steps)
          log.curve_.push_back(*step);
        begin = end + 1;
      }
    }
    if (!writes) return log;
    SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
    for (const Step& step : log.curve_) SW_TRY(file.write(line(step)));
    SW_TRY(file.commit());
    log.file_.open(path, std::ios::app);
    if (!log.file_) return fail("the file cannot be written", path.string());
    return log;
  }
  void add(const Step& step) {
    curve_.push_back(step);
    if (file_.is_open()) file_ << line(step) << std::flush;
  }
  std::vector<Step>& curve() { return curve_; }

 private:
  static std::string line(const Step& s) {
    nlohmann::ordered_json json = {{"step", s.step},     {"loss", s.loss},   {"rate", s.rate},  {"norm", s.norm},
                                   {"tokens", s.tokens}, {"tok_s", s.tok_s}, {"flops", s.flops}};
    if (!std::isnan(s.validation)) json["validation"] = s.validation;
    return json.dump() + "\n";
  }
  static std::optional<Step> parse(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto number = [&](const char* key) {
      const auto it = json.find(key);
      return it != json.end() && it->is_number() ? it->get<double>() : not_measured;
    };
    if (std::isnan(number("step"))) return std::nullopt;
    return Step{.step = static_cast<std::int64_t>(number("step")),
                .loss = number("loss"),
                .validation = number("validation"),
                .rate = number("rate"),
                .norm = number("norm"),
                .tokens = static_cast<std::int64_t>(number("tokens")),
                .tok_s = number("tok_s"),
                .flops = number("flops")};
  }

  std::vector<Step> curve_;
  std::ofstream file_;
};

/// What a snapshot must agree with.
std::string identity_of(const Recipe& recipe, const Workspace& space) {
  const std::string text = fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", space.config_json, space.tokenizer_json,
                                       recipe.seed, static_cast<int>(recipe.run.optimizer.kind), recipe.data.sequence,
                                       recipe.data.first_steps, space.first.tokens(), space.train.tokens(),
                                       recipe.run.average > 0);
  return fmt::format("{:016x}", Stream(0, text).bits(0));
}

/// One run: its network, optimizer and place in the data.
class Run {
 public:
  Run(const Recipe& recipe, Workspace& space, ThreadPool& pool, const TrainOptions& options)
      : recipe_(recipe),
        space_(space),
        pool_(pool),
        options_(options),
        alone_(alone()),
        group_(options.group ? *options.group : *alone_),
        first_{space.first, {space.first, recipe.data.sequence, recipe.seed}},
        then_{space.train, {space.train, recipe.data.sequence, recipe.seed}},
        identity_(identity_of(recipe, space)) {}

  Result<TrainOutcome> run() {
    SW_TRY(build());
    SW_TRY(resume());
    SW_ASSIGN(Log log, Log::open(recipe_.out / "log.jsonl", progress_.step, group_.leads()));
    bool stopped = false;
    while (progress_.step < recipe_.run.steps && !stopped) {
      SW_ASSIGN(Step step, update());
      SW_TRY(check_divergence(log.curve(), step));
      SW_ASSIGN(stopped, any_stopped());
      const bool last = progress_.step == recipe_.run.steps;
      if (group_.leads() && (last || progress_.step % recipe_.run.validate_every == 0)) {
        SW_ASSIGN(step.validation, validate());
      }
      log.add(step);
      if (options_.on_step) options_.on_step(step, recipe_.run.steps);
      if (last || stopped || progress_.step % recipe_.run.save_every == 0) SW_TRY(save());
    }
    TrainOutcome outcome{.curve = std::move(log.curve()),
                         .parameters = space_.parameters.count(),
                         .activation_bytes = network_->activation_bytes(),
                         .finished = progress_.step >= recipe_.run.steps};
    if (!outcome.curve.empty()) outcome.validation = outcome.curve.back().validation;
    if (average_) std::ranges::copy(average_->values(), space_.parameters.values().begin());
    return outcome;
  }

 private:
  struct Source {
    const Shards& shards;
    Batches batches;
  };
  /// What the next update is made on.
  Source& source() { return progress_.step < recipe_.data.first_steps ? first_ : then_; }

  Status build() {
    const Limits limits{
        .tokens = micro_tokens(), .sequence = recipe_.data.sequence, .segments = most_sequences()};
    SW_ASSIGN(
        Network network,
        Network::create(space_.spec, space_.parameters, pool_,
                        {.limits = limits, .precision = recipe_.run.precision, .recompute = recipe_.run.recompute}));
    network_.emplace(std::move(network));
    SW_ASSIGN(Optimizer optimizer, Optimizer::create(space_.parameters, recipe_.run.optimizer, pool_));
    optimizer_.emplace(std::move(optimizer));
    if (recipe_.run.average > 0) {
      SW_ASSIGN(Average average, Average::create(space_.parameters));
      average_.emplace(std::move(average));
    }
    if (!recipe_.distillation) return {};
    const TeacherPlace place{*recipe_.distillation, *space_.tokenizer, space_.spec.vocab, recipe_.data.sequence};
    if (recipe_.distillation->targets.empty()) {
      SW_ASSIGN(teacher_, make_online_teacher(place, pool_));
    } else {
      SW_ASSIGN(teacher_, make_stored_teacher(place, space_.train));
    }
    return {};
  }

  /// A group has a part of every batch for each of its processes.
  std::int64_t micro_tokens() const {
    const std::int64_t share = recipe_.run.batch_tokens / group_.size();
    return std::min(recipe_.run.micro_tokens, std::max<std::int64_t>(recipe_.data.sequence, share));
  }

  /// Ctrl-C may reach some processes of a group before others; all must end after the same step.
  Result<bool> any_stopped() {
    double stopped[1] = {options_.stop && *options_.stop ? 1.0 : 0.0};
    SW_TRY(group_.sum(std::span<double>(stopped)));
    return stopped[0] > 0;
  }

  /// Documents are often shorter than a sequence, so a batch may have more of them than of full length.
  int most_sequences() const {
    return static_cast<int>(std::max<std::int64_t>(16, 8 * micro_tokens() / recipe_.data.sequence));
  }

  RunState state() { return {space_.parameters, *optimizer_, average_ ? &*average_ : nullptr, progress_}; }

  Status resume() {
    SW_ASSIGN(const bool found, load_snapshot(snapshot_folder(recipe_), state(), identity_));
    if (!found) return {};
    source().batches.seek(progress_.cursor);
    network_->parameters_changed();
    if (options_.note) options_.note(fmt::format("going on from step {}", progress_.step));
    return {};
  }

  Status save() {
    progress_.cursor = source().batches.cursor();
    if (!group_.leads()) return {};
    return save_snapshot(snapshot_folder(recipe_), state(), identity_, recipe_.run.keep);
  }

  /// Σ weight·loss of a batch; adds its gradients times `scale`. What comes first is learned without the teacher.
  Result<double> accumulate(const TrainingBatch& batch, std::span<const Shards::Place> places, float scale) {
    if (!teacher_ || &source() == &first_)
      return network_->accumulate(batch.batch(), CrossEntropy(batch.targets, batch.weights), scale);
    TeacherRows rows(static_cast<std::int64_t>(batch.tokens.size()), recipe_.distillation->top_k);
    SW_TRY(teacher_->judge(space_.train, places, rows));
    return network_->accumulate(
        batch.batch(), DistillationLoss(recipe_.distillation->options, batch.targets, batch.weights, rows), scale);
  }

  Result<Step> update() {
    const Stopwatch stopwatch;
    std::ranges::fill(space_.parameters.gradients(), 0.0f);
    Source& data = source();
    const auto places = data.batches.next(recipe_.run.batch_tokens);
    std::vector<TrainingBatch> micro;
    double weight = 0;
    const auto parts = split(places, micro_tokens(), most_sequences());
    for (const auto& part : parts) weight += micro.emplace_back(data.shards, part).weight();
    if (weight == 0)
      return fail("no token of the batch counts as a target", step_name(), "prompt_weight above 0, or answers");
    double losses[1] = {0};
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < micro.size(); ++i) {
      tokens += static_cast<std::int64_t>(micro[i].tokens.size());
      if (static_cast<int>(i % static_cast<std::size_t>(group_.size())) != group_.rank()) continue;
      SW_ASSIGN(const double part, accumulate(micro[i], parts[i], static_cast<float>(1 / weight)));
      losses[0] += part;
    }
    SW_TRY(group_.sum(std::span<double>(losses)));
    SW_TRY(group_.sum(space_.parameters.gradients()));
    const double loss = losses[0] / weight;
    const GradientNorm norm = gradient_norm(space_.parameters, pool_);
    if (!norm.not_finite.empty()) return stop("the gradient of '" + norm.not_finite + "' is not finite");
    if (!std::isfinite(loss)) return stop("the loss is not finite");
    if (recipe_.run.clip > 0 && norm.norm > recipe_.run.clip)
      scale_gradients(space_.parameters, static_cast<float>(recipe_.run.clip / (norm.norm + 1e-6)), pool_);

    const double rate = recipe_.run.schedule.at(progress_.step);
    ++progress_.step;
    progress_.tokens += tokens;
    optimizer_->update(static_cast<float>(rate), progress_.step);
    if (average_) average_->update(space_.parameters, static_cast<float>(recipe_.run.average), pool_);
    network_->parameters_changed();
    const double seconds = stopwatch.ms() / 1e3;
    const double tok_s = static_cast<double>(tokens) / seconds;
    return Step{.step = progress_.step,
                .loss = loss,
                .rate = rate,
                .norm = norm.norm,
                .tokens = progress_.tokens,
                .tok_s = tok_s,
                .flops = tok_s * network_->operations_per_token(recipe_.data.sequence)};
  }

  /// Mean loss of the first validation tokens, by the average where there is one.
  Result<double> validate() {
    const std::vector<Shards::Place> chunks = space_.validation.chunks(recipe_.data.sequence);
    if (chunks.empty()) return not_measured;
    const auto swap = [&] {
      if (!average_) return;
      std::ranges::swap_ranges(average_->values(), space_.parameters.values());
      network_->parameters_changed();
    };
    swap();
    double loss = 0, weight = 0;
    std::int64_t left = recipe_.run.validation_tokens;
    for (const auto& part : split(chunks, micro_tokens(), most_sequences())) {
      if (left <= 0) break;
      const TrainingBatch batch(space_.validation, part);
      SW_ASSIGN(const double sum, network_->evaluate(batch.batch(), CrossEntropy(batch.targets, batch.weights)));
      loss += sum;
      weight += batch.weight();
      left -= static_cast<std::int64_t>(batch.tokens.size());
    }
    swap();
    return weight > 0 ? loss / weight : not_measured;
  }

  /// A run whose last losses are a nat above its first ones, on the same data, learns nothing any more.
  Status check_divergence(std::span<const Step> before, const Step& now) const {
    constexpr std::size_t window = 10;
    if (now.step > recipe_.data.first_steps)
      before = before.subspan(std::min(before.size(), static_cast<std::size_t>(recipe_.data.first_steps)));
    if (before.size() < 2 * window) return {};
    double first = 0, last = now.loss;
    for (std::size_t i = 0; i < window; ++i) first += before[i].loss / window;
    for (std::size_t i = 1; i < window; ++i) last += before[before.size() - i].loss;
    last /= window;
    if (last <= first + 1) return {};
    return stop(fmt::format("the loss has risen from {:.3f} to {:.3f}", first, last));
  }

  std::string step_name() const { return fmt::format("step {}", progress_.step + 1); }

  std::unexpected<Error> stop(std::string what) const {
    const fs::path last = newest_snapshot(snapshot_folder(recipe_));
    return fail(std::move(what), step_name(), "training that goes down",
                (last.empty() ? "No snapshot was saved yet" : "The last good snapshot is " + last.string()) +
                    ". Lower [train] rate, or clip more");
  }

  const Recipe& recipe_;
  Workspace& space_;
  ThreadPool& pool_;
  const TrainOptions& options_;
  std::unique_ptr<Group> alone_;
  Group& group_;
  Source first_, then_;
  std::string identity_;
  Progress progress_;
  std::optional<Network> network_;
  std::optional<Optimizer> optimizer_;
  std::optional<Average> average_;
  std::unique_ptr<Teacher> teacher_;
};

}  // namespace

fs::path snapshot_folder(const Recipe& recipe) {
  return recipe.out / "checkpoints";
}

Result<TrainOutcome> train(const Recipe& recipe, Workspace& space, ThreadPool& pool, const TrainOptions& options) {
  return Run(recipe, space, pool, options).run();
}

}  // namespace sw::train
