#include <fmt/core.h>

#include <condition_variable>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>

#include "base/file.hpp"
#include "commands.hpp"
#include "decode/chat_prompt.hpp"
#include "formats/json.hpp"
#include "generation_flags.hpp"
#include "hub/catalogue.hpp"
#include "interrupt.hpp"
#include "load.hpp"
#include "measure/stopwatch.hpp"
#include "progress_line.hpp"
#include "serving/engine.hpp"

namespace sw {
namespace {

/// Requests in the engine at once: twice what runs together, so that it never waits for this thread.
constexpr std::size_t most_ahead = 128;

struct AnswerFlags {
  ModelFlags model;
  std::string prompts, out;
  GenerationOptions options;
};

using QuestionMessages = std::vector<Message>;

/// What is asked by a line: all of a conversation up to its last question.
Result<QuestionMessages> read_question(std::string_view line, const std::string& where) {
  constexpr const char* expected = "{\"prompt\": …} or {\"messages\": [{\"role\": …, \"content\": …}, …]}";
  SW_ASSIGN(const nlohmann::json json, parse_json(line, where));
  QuestionMessages out;
  if (json.is_object() && json.contains("prompt") && json["prompt"].is_string()) {
    out.push_back({"user", json["prompt"].get<std::string>()});
    return out;
  }
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array())
    return fail("the line asks nothing", where, expected);
  for (const auto& message : json["messages"]) {
    if (!message.is_object() || !message.value("role", nlohmann::json()).is_string() ||
        !message.value("content", nlohmann::json()).is_string())
      return fail("a message without role or content", where, expected);
    out.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  while (!out.empty() && out.back().role != "user") out.pop_back();
  if (out.empty()) return fail("no message is the user's", where, expected);
  return out;
}

Result<std::vector<QuestionMessages>> read_questions(const std::string& path) {
  SW_ASSIGN(const std::string text, read_text_file(path, std::uint64_t{1} << 32));
  std::vector<QuestionMessages> out;
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    SW_ASSIGN(QuestionMessages question, read_question(line, fmt::format("{}, line {}", path, number)));
    out.push_back(std::move(question));
  }
  if (out.empty()) return fail("asks nothing", path, "one JSON object per line");
  return out;
}

nlohmann::ordered_json to_json(const QuestionMessages& conversation, const std::string* answer) {
  auto messages = nlohmann::ordered_json::array();
  for (const Message& message : conversation)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  if (answer) messages.push_back({{"role", "assistant"}, {"content", *answer}});
  return {{"messages", messages}};
}

/// How many questions the file answers already, which must be the first ones. Half a line, as a killed program leaves
/// it, is cut off.
Result<std::size_t> answered(const std::string& path, const std::vector<QuestionMessages>& questions) {
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return 0u;
  SW_ASSIGN(const std::string text, read_text_file(path, std::uint64_t{1} << 32));
  std::size_t n = 0, kept = 0;
  for (std::size_t end; (end = text.find('\n', kept)) != std::string::npos; kept = end + 1, ++n) {
    const auto json = nlohmann::ordered_json::parse(text.substr(kept, end - kept), nullptr, false);
    bool same = n < questions.size() && json.is_object() && json.contains("messages") && json["messages"].is_array() &&
                json["messages"].size() == questions[n].size() + 1;
    if (same) {
      auto asked = json["messages"];
      asked.erase(asked.size() - 1);
      same = asked == to_json(questions[n], nullptr)["messages"];
    }
    if (!same)
      return fail("the file answers other questions", fmt::format("{}, line {}", path, n + 1),
                  "what an earlier call for the same questions left", "Name another file, or remove this one");
  }
  std::error_code error;
  std::filesystem::resize_file(path, kept, error);
  if (error) return fail("the file cannot be written: " + error.message(), path);
  return n;
}

/// An answer on its way. The engine's thread writes it, under the lock.
struct PendingAnswer {
  std::string text;
  std::optional<Error> error;
  bool done = false;
};

Result<Report> answer(const AnswerFlags& flags) {
  const std::atomic<bool>& stop = catch_interrupt();
  ProgressLine progress;
  SW_ASSIGN(const std::vector<QuestionMessages> questions, read_questions(flags.prompts));
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
  std::deque<std::shared_ptr<PendingAnswer>> running;
  EngineOptions engine_options;
  engine_options.max_queue = static_cast<int>(most_ahead);
  engine_options.kv_type = flags.model.kv_type;
  SW_ASSIGN(const std::unique_ptr<Engine> engine, Engine::create(model, compute, engine_options));

  const Stopwatch stopwatch;
  std::size_t asked = before, written = before;
  while (written < questions.size() && !(stop && running.empty())) {
    while (!stop && asked < questions.size() && running.size() < most_ahead) {
      SW_ASSIGN(const PromptText text, chat.render(questions[asked]));
      Request request;
      static_cast<TextOptions&>(request) = flags.options;
      SW_ASSIGN(request.prompt, chat.encode(text));
      // Every question has numbers of its own, so that an answer depends on its place and not on what ran beside it.
      request.sampling.seed += asked;
      auto one = std::make_shared<PendingAnswer>();
      const auto submitted = engine->submit(std::move(request), [one, &mutex, &changed](Output&& output) {
        const std::lock_guard lock(mutex);
        one->text += output.text;
        if (output.finish && output.finish->error) one->error = output.finish->error;
        if (!output.done) return;
        one->done = true;
        changed.notify_one();
      });
      if (!submitted) {
        if (submitted.error().reason == Rejection::Reason::overloaded && !running.empty()) break;
        Error error = submitted.error().error;
        error.where = fmt::format("{}, question {}", flags.prompts, asked + 1);
        return std::unexpected(std::move(error));
      }
      running.push_back(std::move(one));
      ++asked;
    }
    if (running.empty()) break;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return running.front()->done; });
    }
    // Written in the order of the questions: that is what makes a file that was cut short go on.
    if (running.front()->error) return std::unexpected(*running.front()->error);
    const std::string line = to_json(questions[written], &running.front()->text).dump() + "\n";
    if (!(file << line << std::flush)) return fail("the file cannot be written", flags.out);
    running.pop_front();
    ++written;
    progress.show(fmt::format("{} of {} answered", written, questions.size()));
  }
  const std::uint64_t new_tokens = engine->stats().new_tokens;
  const double tok_s = static_cast<double>(new_tokens) / (stopwatch.ms() / 1e3);
  Report report;
  report.json = {{"answers", flags.out},
                 {"answered", written},
                 {"of", questions.size()},
                 {"kept", before},
                 {"new_tokens", new_tokens},
                 {"tok_s", tok_s}};
  report.text = fmt::format("{}  {} of {} answered, {} of them before; {} new tokens, {:.0f} tok/s\n", flags.out,
                            written, questions.size(), before, new_tokens, tok_s);
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
                   "JSONL: {\"prompt\": …} or {\"messages\": […]}, whose last answer is left out")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", flags->out, "JSONL of conversations; goes on where it ends")->required();
  add_generation_flags(*command, flags->options);
  command->footer(
      "Many are answered at once, each as it would be alone. The output is what [data] of a recipe reads: training on\n"
      "a teacher's own answers is sequence-level distillation.\n"
      "\n"
      "Example:\n"
      "  speedwins answer demo recipes/demo/runs/corpus/train.jsonl -o recipes/demo/runs/answers.jsonl");
  on_command(*command, context, [flags] { return answer(*flags); });
}

}  // namespace sw
