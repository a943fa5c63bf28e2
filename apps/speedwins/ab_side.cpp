#include "ab_side.hpp"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "evaluation/task_run.hpp"
#include "loadtest/client.hpp"
#include "loadtest_flags.hpp"
#include "measure_speed.hpp"
#include "tasks/score.hpp"

namespace sw {
namespace {

class LocalSide final : public Side {
 public:
  static Result<std::unique_ptr<Side>> create(const SideFlags& flags, std::shared_ptr<const Model> model,
                                              std::unique_ptr<ThreadPool> pool) {
    SpeedWork work = flags.work;
    work.kv_type = flags.model.kv_type;
    SW_ASSIGN(SpeedRun run, SpeedRun::create(*model, *pool, work));
    return std::unique_ptr<Side>(new LocalSide(work, std::move(model), std::move(pool), std::move(run)));
  }

  Result<SideSample> run(const std::atomic<bool>* cancel) override {
    SW_ASSIGN(const SpeedSample sample, run_.run(cancel));
    return SideSample{.prefill_ms = sample.prefill_ms,
                      .ttft_ms = sample.ttft_ms,
                      .decode_ms = sample.decode_ms,
                      .total_ms = sample.total_ms,
                      .prompt_tokens = work_.prompt_tokens * work_.batch,
                      .new_tokens = work_.new_tokens * work_.batch};
  }

  Result<bool> answers_right(const TaskItem& item, bool by_generation, const std::atomic<bool>* cancel) override {
    if (!tasks_) {
      SW_ASSIGN(tasks_, TaskRunner::create(*model_, *pool_, work_.kv_type,
                                           by_generation ? ChoiceScoring::generation : ChoiceScoring::likelihood));
    }
    SW_ASSIGN(const TaskOutcome outcome, tasks_->ask(item, cancel));
    return outcome.right;
  }

  const QualitySide* scorer() const override { return &scorer_; }

 private:
  LocalSide(SpeedWork work, std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool, SpeedRun run)
      : work_(work),
        model_(std::move(model)),
        pool_(std::move(pool)),
        run_(std::move(run)),
        scorer_{*model_, *pool_, work.kv_type} {}

  SpeedWork work_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<ThreadPool> pool_;
  SpeedRun run_;
  std::optional<TaskRunner> tasks_;
  QualitySide scorer_;
};

/// A word of the made-up prompts is about 1.3 tokens.
constexpr double tokens_per_word = 1.3;

class ServerSide final : public Side {
 public:
  /// `stream`: of the two sides, so that both together never ask for the same prompt twice: it would be in a cache.
  static Result<std::unique_ptr<Side>> create(const SideFlags& flags, std::uint64_t stream) {
    if (flags.work.batch > 1)
      return fail("asks one request at a time", flags.model.model, "-b 1",
                  "For many at once: speedwins loadtest URL --concurrency N");
    if (flags.work.slowdown > 0)
      return fail("cannot be slowed down from here", flags.model.model, "--slowdown with a model this program runs");
    loadtest::LoadTarget target;
    target.greedy = true;
    target.ignore_eos = true;
    target.model = flags.served_model;
    SW_ASSIGN(target.url, loadtest::endpoint_url(flags.model.model, target.chat));
    if (!flags.key_file.empty()) {
      SW_ASSIGN(target.api_key, loadtest::read_key(flags.key_file));
    }
    if (target.model.empty()) {
      SW_ASSIGN(target.model, loadtest::first_model(target));
    }
    SW_ASSIGN(loadtest::Client client, loadtest::Client::create(target));
    loadtest::LoadTarget questions = target;
    questions.stream = false;
    questions.ignore_eos = false;
    SW_ASSIGN(loadtest::Client asking, loadtest::Client::create(questions));
    const auto length = [](double n) { return loadtest::LengthDistribution::parse(fmt::format("{:.0f}", n)); };
    SW_ASSIGN(const auto words, length(std::max(1.0, flags.work.prompt_tokens / tokens_per_word)));
    SW_ASSIGN(const auto max_tokens, length(flags.work.new_tokens));
    return std::unique_ptr<Side>(new ServerSide(flags.work, target.chat, std::move(client), std::move(asking),
                                                loadtest::random_prompts(words, max_tokens, 1), stream));
  }

  Result<SideSample> run(const std::atomic<bool>* cancel) override {
    const loadtest::LoadPrompt prompt = prompts_(2 * asked_++ + stream_);
    SW_ASSIGN(const loadtest::ClientAnswer answer, client_.ask(prompt, cancel));
    // The first token comes with the prompt's pass.
    return SideSample{.prefill_ms = answer.ttft_ms,
                      .ttft_ms = answer.ttft_ms,
                      .decode_ms = answer.total_ms - answer.ttft_ms,
                      .total_ms = answer.total_ms,
                      .prompt_tokens = work_.prompt_tokens,
                      .new_tokens = std::max(1, answer.tokens)};
  }

  Result<bool> answers_right(const TaskItem& item, bool /*by_generation*/, const std::atomic<bool>* cancel) override {
    const std::string text = chat_ ? item.prompt : plain_prompt(item);
    SW_ASSIGN(const loadtest::ClientAnswer answer, asking_.ask({{{"user", text}}, item.max_tokens}, cancel));
    return is_right(item, answer.text);
  }

  const QualitySide* scorer() const override { return nullptr; }

 private:
  ServerSide(SpeedWork work, bool chat, loadtest::Client client, loadtest::Client asking,
             loadtest::PromptSource prompts, std::uint64_t stream)
      : work_(work),
        chat_(chat),
        client_(std::move(client)),
        asking_(std::move(asking)),
        prompts_(std::move(prompts)),
        stream_(stream) {}

  SpeedWork work_;
  bool chat_;
  loadtest::Client client_, asking_;
  loadtest::PromptSource prompts_;
  std::uint64_t stream_, asked_ = 0;
};

}  // namespace

bool SideFlags::is_server() const {
  return model.model.starts_with("http://") || model.model.starts_with("https://");
}

void add_side_flags(CLI::App& command, SideFlags& side) {
  command.add_option("-t,--threads", side.model.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--ctx", side.model.context, "Positions of context (default: what the model was trained for)")
      ->check(CLI::Range(2, 1 << 24));
  add_kv_flag(command, side.model.kv_type);
  add_work_flags(command, side.work);
  command
      .add_option("--slowdown", side.work.slowdown,
                  "Waste this share of every pass on purpose: would this run find 0.05?")
      ->check(CLI::Range(0.0, 100.0));
  const std::string group = "Where MODEL is the URL of a server";
  command.add_option("--served-model", side.served_model, "The model to ask it for (default: the first it lists)")
      ->group(group);
  command.add_option("--api-key-file", side.key_file, "File that holds its key")
      ->check(CLI::ExistingFile)
      ->group(group);
}

std::string describe(const SideFlags& side, const SideFlags& other) {
  std::string text = side.model.model;
  const auto add = [&](bool differs, const std::string& what) {
    if (differs) text += " " + what;
  };
  const auto threads = [](const SideFlags& s) { return s.model.threads > 0 ? s.model.threads : available_threads(); };
  if (!side.is_server()) {
    add(threads(side) != threads(other), fmt::format("-t {}", threads(side)));
    add(side.model.kv_type != other.model.kv_type, fmt::format("--kv {}", name(side.model.kv_type)));
    add(side.model.context != other.model.context, fmt::format("--ctx {}", side.model.context));
    add(side.work.slowdown > 0, fmt::format("--slowdown {}", side.work.slowdown));
  } else {
    add(side.served_model != other.served_model, "--served-model " + side.served_model);
  }
  add(side.work.prompt_tokens != other.work.prompt_tokens, fmt::format("-p {}", side.work.prompt_tokens));
  add(side.work.new_tokens != other.work.new_tokens, fmt::format("-n {}", side.work.new_tokens));
  add(side.work.batch != other.work.batch, fmt::format("-b {}", side.work.batch));
  return text;
}

Result<Sides> open_sides(const SideFlags& a, const SideFlags& b) {
  Sides sides;
  std::shared_ptr<const Model> shared;
  const bool same_file = a.model.model == b.model.model && a.model.context == b.model.context;
  for (const SideFlags* flags : {&a, &b}) {
    std::unique_ptr<Side>& side = flags == &a ? sides.a : sides.b;
    if (flags->is_server()) {
      SW_ASSIGN(side, ServerSide::create(*flags, flags == &a ? 0 : 1));
      continue;
    }
    std::unique_ptr<ThreadPool> pool;
    if (shared && same_file) {
      pool = std::make_unique<ThreadPool>(flags->model.threads);
    } else {
      SW_ASSIGN(LoadedModel loaded, load_model(flags->model));
      pool = std::move(loaded.pool);
      shared = std::move(loaded.model);
    }
    SW_ASSIGN(side, LocalSide::create(*flags, shared, std::move(pool)));
  }
  return sides;
}

}  // namespace sw
