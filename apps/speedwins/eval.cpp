#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "commands.hpp"
#include "load.hpp"
#include "measure/stopwatch.hpp"
#include "model/executor.hpp"
#include "progress_line.hpp"
#include "state/state.hpp"

namespace sw {
namespace {

/// Logits held at once: 64 rows of a vocabulary of 150k are 40 MB.
constexpr int rows_at_once = 64;

struct EvalFlags {
  ModelFlags model;
  std::string text;
  int window = 512;
  int windows = 0;  ///< 0: all of the text
};

/// −log p(target) under softmax(logits), in nats.
double surprise(std::span<const float> logits, TokenId target) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) - (logits[target] - largest);
}

/// Sum and count of the surprises of the tokens that follow positions [window/2, window − 1) of one window.
struct Loss {
  double sum = 0, sum_of_squares = 0;
  std::int64_t count = 0;
};

Status score_window(Executor& executor, StatePool& state, std::span<const TokenId> window, Loss& loss) {
  SW_ASSIGN(const SequenceId sequence, state.open());
  SW_TRY(state.reserve(sequence, static_cast<int>(window.size())));
  const std::size_t first_scored = window.size() / 2;
  for (std::size_t begin = 0; begin < window.size();) {
    const bool scored = begin >= first_scored;
    const std::size_t limit = scored ? window.size() : first_scored;
    const auto chunk = window.subspan(begin, std::min<std::size_t>(limit - begin, scored ? rows_at_once : 512));
    const BatchEntry entry{sequence, chunk, scored ? static_cast<int>(chunk.size()) : 1};
    SW_ASSIGN(const Logits logits, executor.forward({&entry, 1}, state));
    for (std::size_t i = 0; scored && i < chunk.size() && begin + i + 1 < window.size(); ++i) {
      const double value = surprise(logits.row(static_cast<int>(i)), window[begin + i + 1]);
      loss.sum += value;
      loss.sum_of_squares += value * value;
      ++loss.count;
    }
    begin += chunk.size();
  }
  state.close(sequence);
  return {};
}

Result<Report> eval(const EvalFlags& flags) {
  SW_ASSIGN(const std::string text, read_text_file(flags.text, std::uint64_t{1} << 30));
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  const Model& model = *loaded.model;
  if (!model.tokenizer) return fail("the checkpoint has no tokenizer", flags.model.model);
  if (flags.window > model.spec.context)
    return fail(fmt::format("windows of {} tokens were asked for", flags.window), flags.model.model,
                fmt::format("at most {}, the model's context", model.spec.context), "Use a smaller --ctx");

  SW_ASSIGN(std::vector<TokenId> tokens, model.tokenizer->encode(text, {.add_special = true, .parse_special = false}));
  SW_ASSIGN(const std::vector<TokenId> added, model.tokenizer->encode(""));
  const bool begins_with_bos = !added.empty() && model.tokenizer->bos() == added.front();
  auto n_windows = static_cast<int>(tokens.size()) / flags.window;
  if (n_windows == 0)
    return fail(fmt::format("the text has {} tokens", tokens.size()), flags.text,
                fmt::format("at least one window of {}", flags.window), "Use a longer text or a smaller --ctx");
  if (flags.windows > 0) n_windows = std::min(n_windows, flags.windows);

  SW_ASSIGN(
      StatePool state,
      StatePool::create(model.spec, {.max_tokens = flags.window, .max_sequences = 1, .kv_type = flags.model.kv_type}));
  SW_ASSIGN(Executor executor, Executor::create(model.spec, model.weights, *loaded.pool,
                                                {.max_batch_tokens = 512, .max_logits = rows_at_once}));
  Loss loss;
  ProgressLine progress;
  const Stopwatch stopwatch;
  for (int i = 0; i < n_windows; ++i) {
    const auto window = std::span(tokens).subspan(static_cast<std::size_t>(i) * flags.window, flags.window);
    if (begins_with_bos) window.front() = *model.tokenizer->bos();
    SW_TRY(score_window(executor, state, window, loss));
    const double left_s = stopwatch.ms() / 1e3 / (i + 1) * (n_windows - i - 1);
    progress.show(fmt::format("{}/{} windows, perplexity {:.4f}, {:.0f} s left", i + 1, n_windows,
                              std::exp(loss.sum / static_cast<double>(loss.count)), left_s));
  }

  const auto n = static_cast<double>(loss.count);
  const double mean = loss.sum / n;
  const double perplexity = std::exp(mean);
  const double variance = std::max(0.0, loss.sum_of_squares / n - mean * mean);
  const double error = loss.count > 1 ? perplexity * std::sqrt(variance / (n - 1)) : 0;
  Report report;
  report.json = {{"model", flags.model.model},
                 {"text", flags.text},
                 {"window", flags.window},
                 {"windows", n_windows},
                 {"tokens", loss.count},
                 {"perplexity", perplexity},
                 {"standard_error", error},
                 {"nats_per_token", mean},
                 {"tok_s", n_windows * flags.window / stopwatch.ms() * 1e3}};
  report.text =
      fmt::format("perplexity {:.4f} ± {:.4f} over {} tokens of {}\n", perplexity, error, loss.count, flags.text);
  return report;
}

}  // namespace

void add_eval_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand("eval", "Perplexity of a text");
  add_model_argument(*command, flags->model.model);
  command->add_option("--text", flags->text, "The text file")->required()->check(CLI::ExistingFile);
  command->add_option("--ctx", flags->window, "Tokens per window")
      ->check(CLI::Range(4, 1 << 24))
      ->capture_default_str();
  command->add_option("--windows", flags->windows, "Only the first windows (default: all)")
      ->check(CLI::Range(1, 1 << 30));
  command->add_option("-t,--threads", flags->model.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  command->footer(
      "The text is cut into windows that do not overlap; in each, the tokens of the second half are scored, so that\n"
      "every scored token has at least half a window before it. A model that begins texts with a token (BOS) sees it\n"
      "in place of the first token of every window. This is llama.cpp's convention: the numbers compare.\n"
      "\n"
      "Example:\n"
      "  speedwins eval model.gguf --text wiki.test.raw --ctx 512");
  on_command(*command, context, [flags] { return eval(*flags); });
}

}  // namespace sw
