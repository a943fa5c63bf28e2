#include "evaluation/task_run.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "decode/chat_prompt.hpp"
#include "decode/session.hpp"
#include "evaluation/perplexity.hpp"
#include "measure/stopwatch.hpp"
#include "tasks/score.hpp"

namespace sw {
namespace {

/// Room for long prompts, without paying for contexts of 128k.
constexpr int most_positions = 8192;

}  // namespace

std::string plain_prompt(const TaskItem& item) {
  std::string text;
  for (const TaskTurn& turn : item.history) text += turn.content + "\n\n";
  return text + item.prompt + "\nAnswer:";
}

struct TaskRunner::Impl {
  const Model& model;
  Session session;
  TextScorer scorer;
  std::optional<ChatPrompt> chat;
  ChoiceScoring choices;

  Result<std::vector<TokenId>> prompt_of(const TaskItem& item) const {
    if (!chat) return model.tokenizer->encode(plain_prompt(item));
    std::vector<Message> messages;
    for (const TaskTurn& turn : item.history) messages.push_back({turn.role, turn.content});
    messages.push_back({"user", item.prompt});
    SW_ASSIGN(const PromptText text, chat->render(messages));
    return chat->encode(text);
  }

  Status choose(const MultipleChoice& question, const std::vector<TokenId>& prompt, TaskOutcome& outcome) {
    double most = 0, most_per_byte = 0;
    std::size_t best = 0, best_per_byte = 0;
    for (std::size_t i = 0; i < question.choices.size(); ++i) {
      const std::string text = chat ? question.choices[i] : " " + question.choices[i];
      SW_ASSIGN(const std::vector<TokenId> choice,
                model.tokenizer->encode(text, {.add_special = false, .parse_special = false}));
      std::vector<TokenId> tokens = prompt;
      tokens.insert(tokens.end(), choice.begin(), choice.end());
      double log_likelihood = 0;
      if (!choice.empty())
        SW_TRY(scorer.score(tokens, prompt.size(), [&](std::size_t at, std::span<const float> logits) -> Status {
          log_likelihood -= surprise(logits, tokens[at]);
          return {};
        }));
      const double per_byte = log_likelihood / static_cast<double>(std::max<std::size_t>(1, text.size()));
      if (i == 0 || log_likelihood > most) {
        most = log_likelihood;
        best = i;
      }
      if (i == 0 || per_byte > most_per_byte) {
        most_per_byte = per_byte;
        best_per_byte = i;
      }
    }
    const auto answer = static_cast<std::size_t>(question.answer);
    outcome.right = best == answer;
    outcome.right_per_byte = best_per_byte == answer;
    outcome.reply = question.choices[best];
    return {};
  }
};

TaskRunner::TaskRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TaskRunner::TaskRunner(TaskRunner&&) noexcept = default;
TaskRunner& TaskRunner::operator=(TaskRunner&&) noexcept = default;
TaskRunner::~TaskRunner() = default;

Result<TaskRunner> TaskRunner::create(const Model& model, ThreadPool& pool, KvType kv_type, ChoiceScoring choices) {
  const int positions = std::min(model.spec.context, most_positions);
  SW_ASSIGN(Session session, Session::create(model, pool, {.max_tokens = positions, .kv_type = kv_type}));
  SW_ASSIGN(TextScorer scorer, TextScorer::create(model, pool, positions, kv_type));
  std::optional<ChatPrompt> chat;
  if (!model.tokenizer->chat_template().empty()) {
    SW_ASSIGN(chat, ChatPrompt::create(*model.tokenizer));
  }
  return TaskRunner(std::make_unique<Impl>(model, std::move(session), std::move(scorer), std::move(chat), choices));
}

Result<TaskOutcome> TaskRunner::ask(const TaskItem& item, const std::atomic<bool>* cancel) {
  const Stopwatch stopwatch;
  TaskOutcome outcome;
  SW_ASSIGN(const std::vector<TokenId> prompt, impl_->prompt_of(item));
  outcome.prompt_tokens = static_cast<int>(prompt.size());
  const auto* question = std::get_if<MultipleChoice>(&item.scorer);
  if (question && impl_->choices == ChoiceScoring::likelihood) {
    SW_TRY(impl_->choose(*question, prompt, outcome));
  } else {
    GenerationOptions options;
    options.max_tokens = item.max_tokens;
    options.cancel = cancel;
    // Without a template nothing but a line break says that the answer is over.
    if (!impl_->chat) options.stop_strings = {"\n\n"};
    SW_ASSIGN(const Generation generation, impl_->session.generate(prompt, options, {}));
    if (generation.finish_reason == FinishReason::cancelled) return fail("interrupted", item.id);
    outcome.reply = generation.text;
    outcome.new_tokens = static_cast<int>(generation.tokens.size());
    outcome.right = is_right(item, outcome.reply);
    outcome.right_per_byte = outcome.right;
  }
  outcome.ms = stopwatch.ms();
  return outcome;
}

}  // namespace sw
