#include <fmt/core.h>

#include <condition_variable>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>

#include "commands.hpp"
#include "decode/chat_prompt.hpp"
#include "generation_flags.hpp"
#include "hub/catalogue.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "measure/stopwatch.hpp"
#include "progress_line.hpp"
#include "questions.hpp"
#include "serving/engine.hpp"

namespace sw {
namespace {

/// Conversations in the engine at once: twice what runs together, so that it never waits for this thread.
constexpr std::size_t most_ahead = 128;

struct AnswerFlags {
  ModelFlags model;
  std::string prompts, out;
  bool every_answer = false;
  GenerationOptions options;
};

/// A conversation that is being answered. The engine's thread writes what is behind the lock.
struct RunningConversation {
  OpenConversation conversation;
  std::size_t number = 0;  ///< its place among the questions
  // Behind the lock:
  std::string text;
  std::optional<Error> error;
};

Result<Report> answer(const AnswerFlags& flags) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  const OpenAnswers open = flags.every_answer ? OpenAnswers::every : OpenAnswers::last;
  SW_ASSIGN(const std::vector<OpenConversation> questions, read_questions(flags.prompts, open));
  SW_ASSIGN(const std::size_t before, answered(flags.out, questions));
  progress.show("loading");
  auto compute = std::make_shared<Compute>(flags.model.threads);
  SW_ASSIGN(const CatalogueEntry entry, find_model(flags.model.model));
  ModelOptions model_options;
  model_options.context = flags.model.context;
  SW_ASSIGN(Model loaded, open_model(entry.path(), model_options, compute->pool));
  const auto model = std::make_shared<const Model>(std::move(loaded));
  if (!model->tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);
  SW_ASSIGN(const ChatPrompt chat, ChatPrompt::create(*model->tokenizer));
  std::ofstream file(flags.out, std::ios::app | std::ios::binary);
  if (!file) return fail("the file cannot be written", flags.out);

  // The engine is the first to go, so that no sink outlives what it writes to.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<RunningConversation>> running;
  std::vector<std::shared_ptr<RunningConversation>> ended;  // whose answer is written whole: behind the lock
  EngineOptions engine_options;
  engine_options.max_queue = static_cast<int>(most_ahead);
  engine_options.kv_type = flags.model.kv_type;
  SW_ASSIGN(const std::unique_ptr<Engine> engine, Engine::create(model, compute, engine_options));

  /// False, and why in `error`, where the conversation does not fit into the context.
  const auto ask = [&](const std::shared_ptr<RunningConversation>& one) -> Result<bool> {
    SW_ASSIGN(const PromptText text, chat.render(before_answer(one->conversation)));
    Request request;
    static_cast<TextOptions&>(request) = flags.options;
    SW_ASSIGN(request.prompt, chat.encode(text));
    // Every conversation has numbers of its own, so that an answer depends on its place and not on what ran beside it.
    request.sampling.seed += one->number;
    const auto submitted = engine->submit(std::move(request), [one, &mutex, &changed, &ended](Output&& output) {
      const std::lock_guard lock(mutex);
      one->text += output.text;
      if (output.finish && output.finish->error) one->error = output.finish->error;
      if (!output.done) return;
      ended.push_back(one);
      changed.notify_one();
    });
    if (submitted) return true;
    Error error = submitted.error().error;
    error.where = fmt::format("{}, question {}", flags.prompts, one->number + 1);
    if (submitted.error().reason != Rejection::Reason::invalid) return std::unexpected(std::move(error));
    one->error = std::move(error);
    return false;
  };

  const Stopwatch stopwatch;
  std::size_t asked = before, written = before, n_cut = 0;
  while (written < questions.size()) {
    for (; !stop && asked < questions.size() && running.size() < most_ahead; ++asked) {
      running.push_back(std::make_shared<RunningConversation>(questions[asked], asked));
      SW_ASSIGN(const bool fits, ask(running.back()));
      if (!fits) return std::unexpected(*running.back()->error);
    }
    if (running.empty()) break;
    std::vector<std::shared_ptr<RunningConversation>> answered_now;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !ended.empty(); });
      answered_now.swap(ended);
    }
    for (const auto& one : answered_now) {
      if (one->error) return std::unexpected(*one->error);
      write_answer(one->conversation, std::exchange(one->text, {}));
      if (!is_open(one->conversation)) continue;
      SW_ASSIGN(const bool fits, ask(one));
      if (fits) continue;
      cut(one->conversation);  // its answers left no room for the next question
      ++n_cut;
    }
    // Written in the order of the questions: that is what makes a file that was cut short go on.
    for (; !running.empty() && !is_open(running.front()->conversation); running.pop_front(), ++written)
      if (!(file << to_line(running.front()->conversation))) return fail("the file cannot be written", flags.out);
    if (!(file << std::flush)) return fail("the file cannot be written", flags.out);
    progress.show(fmt::format("{} of {} answered", written, questions.size()));
  }
  const std::uint64_t new_tokens = engine->stats().new_tokens;
  const double tok_s = static_cast<double>(new_tokens) / (stopwatch.ms() / 1e3);
  Report report;
  report.json = {{"answers", flags.out},
                 {"answered", written},
                 {"of", questions.size()},
                 {"kept", before},
                 {"cut", n_cut},
                 {"new_tokens", new_tokens},
                 {"tok_s", tok_s}};
  report.text = fmt::format("{}  {} of {} answered, {} of them before; {} new tokens, {:.0f} tok/s\n", flags.out,
                            written, questions.size(), before, new_tokens, tok_s);
  if (n_cut > 0) report.text += fmt::format("{} of them cut where the context was full\n", n_cut);
  if (written < questions.size()) report.text += "Stopped; the same command goes on.\n";
  return report;
}

}  // namespace

void add_answer_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<AnswerFlags>();
  flags->options.sampling.temperature = 0;
  CLI::App* command = app.add_subcommand("answer", "A model's answers to many questions: data to train another one on");
  add_model_flags(*command, flags->model);
  command
      ->add_option("QUESTIONS", flags->prompts,
                   "JSONL: {\"prompt\": …} or {\"messages\": […]}; the answer to the last question is written")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", flags->out, "JSONL of conversations; goes on where it ends")->required();
  command->add_flag("--every-answer", flags->every_answer,
                    "Write all of a conversation's answers, each after those written before it");
  add_generation_flags(*command, flags->options);
  command->footer(
      "Many are answered at once, each as it would be alone. The output is what [data] of a recipe reads: training on\n"
      "a teacher's own answers is sequence-level distillation.\n"
      "\n"
      "Example:\n"
      "  speedwins answer demo recipes/demo/runs/corpus/train.jsonl --every-answer -o recipes/demo/runs/answers.jsonl");
  on_command(*command, context, [flags] { return answer(*flags); });
}

}  // namespace sw
