#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "commands.hpp"
#include "decode/sampler.hpp"
#include "load.hpp"
#include "measure/stopwatch.hpp"
#include "model/executor.hpp"
#include "peak_memory.hpp"
#include "progress_line.hpp"
#include "state/state.hpp"

namespace sw {
namespace {

struct BenchFlags {
  ModelFlags model;
  int prompt_tokens = 512, new_tokens = 128, batch = 1, repetitions = 5;
};

struct Samples {
  std::vector<double> prefill_tok_s, decode_tok_s, ttft_ms, load_ms, peak_rss_bytes;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

nlohmann::ordered_json summary(const std::vector<double>& samples) {
  const auto [min, max] = std::minmax_element(samples.begin(), samples.end());
  return {{"median", median(samples)}, {"min", *min}, {"max", *max}, {"samples", samples}};
}

std::string row(const char* label, const std::vector<double>& samples, double scale, const char* unit) {
  const auto [min, max] = std::minmax_element(samples.begin(), samples.end());
  return fmt::format("  {:<13}{:>11.2f} {:<6} {:>11.2f} {:>11.2f}\n", label, median(samples) * scale, unit,
                     *min * scale, *max * scale);
}

std::vector<std::vector<TokenId>> random_prompts(const BenchFlags& flags, int vocab) {
  std::mt19937 generator(1);
  std::uniform_int_distribution<TokenId> any_token(0, vocab - 1);
  std::vector<std::vector<TokenId>> prompts(flags.batch);
  for (auto& prompt : prompts)
    for (int i = 0; i < flags.prompt_tokens; ++i) prompt.push_back(any_token(generator));
  return prompts;
}

/// One sequence of the batch: what it still has to read, and the token it wrote last.
struct Sequence {
  SequenceId id;
  std::span<const TokenId> unread;
  TokenId last = 0;
};

/// Reads every prompt, as many chunks at a time as the batch holds, until every sequence has its first token.
Status prefill(Executor& executor, StatePool& state, std::vector<Sequence>& sequences, Sampler& greedy,
               int max_batch_tokens) {
  for (;;) {
    std::vector<BatchEntry> batch;
    std::vector<Sequence*> members;
    int room = max_batch_tokens;
    for (Sequence& sequence : sequences) {
      const auto chunk = sequence.unread.first(std::min<std::size_t>(sequence.unread.size(), room));
      if (chunk.empty()) continue;
      SW_TRY(state.reserve(sequence.id, static_cast<int>(chunk.size())));
      sequence.unread = sequence.unread.subspan(chunk.size());
      batch.push_back({sequence.id, chunk, sequence.unread.empty() ? 1 : 0, greedy.deciding_logits()});
      members.push_back(&sequence);
      room -= static_cast<int>(chunk.size());
    }
    if (batch.empty()) return {};
    SW_ASSIGN(const Logits logits, executor.forward(batch, state));
    int row = 0;
    for (Sequence* member : members)
      if (member->unread.empty()) member->last = greedy.sample(logits.row(row++)).token;
  }
}

/// One step of every sequence, n times.
Status decode(Executor& executor, StatePool& state, std::vector<Sequence>& sequences, Sampler& greedy, int n) {
  for (int step = 0; step < n; ++step) {
    std::vector<BatchEntry> batch;
    for (const Sequence& sequence : sequences) {
      SW_TRY(state.reserve(sequence.id, 1));
      batch.push_back({sequence.id, {&sequence.last, 1}, 1, greedy.deciding_logits()});
    }
    SW_ASSIGN(const Logits logits, executor.forward(batch, state));
    for (std::size_t i = 0; i < sequences.size(); ++i)
      sequences[i].last = greedy.sample(logits.row(static_cast<int>(i))).token;
  }
  return {};
}

/// Loads the model and runs the batch once from the first prompt token to the last new one.
Status measure(const BenchFlags& flags, Samples& samples) {
  reset_peak_memory();
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  const ModelSpec& spec = loaded.model->spec;
  const int length = flags.prompt_tokens + flags.new_tokens;
  if (length > spec.context)
    return fail(fmt::format("-p {} and -n {} make {} positions", flags.prompt_tokens, flags.new_tokens, length),
                flags.model.model, fmt::format("at most {}, the model's context", spec.context));

  const Stopwatch creating;
  const int max_batch_tokens = std::max(512, flags.batch);
  SW_ASSIGN(StatePool state, StatePool::create(spec, {.max_tokens = std::int64_t{length} * flags.batch,
                                                      .max_sequences = flags.batch,
                                                      .kv_type = flags.model.kv_type}));
  SW_ASSIGN(Executor executor, Executor::create(spec, loaded.model->weights, *loaded.pool,
                                                {.max_batch_tokens = max_batch_tokens, .max_logits = flags.batch}));
  const double load_ms = loaded.load_ms + creating.ms();

  const auto prompts = random_prompts(flags, spec.vocab);
  std::vector<Sequence> sequences;
  for (const auto& prompt : prompts) {
    SW_ASSIGN(const SequenceId id, state.open());
    sequences.push_back({id, prompt});
  }
  Sampler greedy({});
  const Stopwatch prefilling;
  SW_TRY(prefill(executor, state, sequences, greedy, max_batch_tokens));
  const double prefill_ms = prefilling.ms();
  const Stopwatch decoding;
  SW_TRY(decode(executor, state, sequences, greedy, flags.new_tokens));
  const double decode_ms = decoding.ms();

  samples.load_ms.push_back(load_ms);
  samples.ttft_ms.push_back(prefill_ms);
  samples.prefill_tok_s.push_back(flags.batch * flags.prompt_tokens / prefill_ms * 1e3);
  samples.decode_tok_s.push_back(flags.batch * flags.new_tokens / decode_ms * 1e3);
  samples.peak_rss_bytes.push_back(static_cast<double>(peak_memory_bytes()));
  return {};
}

Result<Report> bench(const BenchFlags& flags) {
  ProgressLine progress;
  Samples samples, warm_up;
  SW_TRY(measure(flags, warm_up));
  for (int i = 0; i < flags.repetitions; ++i) {
    progress.show(fmt::format("repetition {} of {}", i + 1, flags.repetitions));
    SW_TRY(measure(flags, samples));
  }

  Report report;
  report.json = {{"model", flags.model.model},
                 {"threads", flags.model.threads > 0 ? flags.model.threads : available_threads()},
                 {"prompt_tokens", flags.prompt_tokens},
                 {"new_tokens", flags.new_tokens},
                 {"batch", flags.batch},
                 {"repetitions", flags.repetitions},
                 {"prefill_tok_s", summary(samples.prefill_tok_s)},
                 {"decode_tok_s", summary(samples.decode_tok_s)},
                 {"ttft_ms", summary(samples.ttft_ms)},
                 {"load_ms", summary(samples.load_ms)},
                 {"peak_rss_bytes", summary(samples.peak_rss_bytes)}};
  report.text = fmt::format("{}: {} prompt tokens, {} new ones, batch {}, {} threads, {} repetitions\n\n",  //
                            flags.model.model, flags.prompt_tokens, flags.new_tokens, flags.batch,
                            report.json["threads"].get<int>(), flags.repetitions);
  report.text += fmt::format("  {:<13}{:>11} {:<6} {:>11} {:>11}\n", "", "median", "", "min", "max");
  report.text += row("prefill", samples.prefill_tok_s, 1, "tok/s");
  report.text += row("decode", samples.decode_tok_s, 1, "tok/s");
  report.text += row("first token", samples.ttft_ms, 1, "ms");
  report.text += row("load", samples.load_ms, 1, "ms");
  report.text += row("peak memory", samples.peak_rss_bytes, 1e-6, "MB");
  return report;
}

}  // namespace

void add_bench_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure load, prefill, decode, first token and memory");
  add_model_flags(*command, flags->model);
  command->add_option("-p,--prompt-tokens", flags->prompt_tokens, "Prompt tokens of each sequence")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_option("-n,--new-tokens", flags->new_tokens, "New tokens of each sequence")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_option("-b,--batch", flags->batch, "Sequences decoded together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("-r,--repetitions", flags->repetitions, "Measured repetitions, after one that is not")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->footer(
      "Every repetition loads the model anew. first token: until every sequence of the batch has one.\n"
      "peak memory: resident pages of this process, those mapped from the file included.\n"
      "\n"
      "Examples:\n"
      "  speedwins bench demo\n"
      "  speedwins bench model.gguf -p 512 -n 128 -b 1 -t 2 -r 5\n"
      "  speedwins bench model.gguf -b 16 --json | jq .decode_tok_s.median");
  on_command(*command, context, [flags] { return bench(*flags); });
}

}  // namespace sw
