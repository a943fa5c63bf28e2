#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "commands.hpp"
#include "decode/sampler.hpp"
#include "load.hpp"
#include "measure/machine_cache.hpp"
#include "measure/profile.hpp"
#include "measure/stopwatch.hpp"
#include "measure/trace.hpp"
#include "model/executor.hpp"
#include "progress_line.hpp"
#include "state/state.hpp"

namespace sw {
namespace {

struct ProfileFlags {
  ModelFlags model;
  int prompt_tokens = 512, new_tokens = 32;
  bool by_layer = false;
  std::string trace;
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

constexpr int max_batch_tokens = 512;

double duration_ms(const PhaseTrace& trace) {
  double ms = 0;
  for (const PassRecord& pass : trace.passes) ms += static_cast<double>(pass.end_ns - pass.begin_ns) / 1e6;
  return ms;
}

/// Prefill and decode of one sequence, recorded.
struct Round {
  PhaseTrace prefill{.name = "prefill", .passes = {}, .spans = {}};
  PhaseTrace decode{.name = "decode", .passes = {}, .spans = {}};
};

class Recorder {
 public:
  Recorder(const ProfileFlags& flags, const LoadedModel& loaded) : flags_(flags), loaded_(loaded) {}

  Result<Round> run() {
    const ModelSpec& spec = loaded_.model->spec;
    SW_ASSIGN(StatePool state, StatePool::create(spec, {.max_tokens = flags_.prompt_tokens + flags_.new_tokens,
                                                        .max_sequences = 1,
                                                        .kv_type = flags_.model.kv_type}));
    SW_ASSIGN(Executor executor, Executor::create(spec, loaded_.model->weights, *loaded_.pool,
                                                  {.max_batch_tokens = max_batch_tokens, .max_logits = 1}));
    SW_ASSIGN(const SequenceId sequence, state.open());
    Spans spans;
    // An op records one span, and a block has a dozen ops at most.
    const std::size_t passes =
        static_cast<std::size_t>(std::max(flags_.new_tokens, flags_.prompt_tokens / max_batch_tokens + 1));
    spans.reserve(passes * (16 * spec.blocks.size() + 8));
    executor.record(&spans);

    Round round;
    Sampler greedy({});
    TokenId last = 0;
    const auto pass = [&](PhaseTrace& phase, std::span<const TokenId> tokens) -> Status {
      PassRecord record{.begin_ns = now_ns(), .tokens = static_cast<int>(tokens.size())};
      {
        const Span span(&spans, "reserve", -1, 0, 0);
        SW_TRY(state.reserve(sequence, static_cast<int>(tokens.size())));
      }
      const BatchEntry entry{sequence, tokens, 1};
      SW_ASSIGN(const Logits logits, executor.forward({&entry, 1}, state));
      {
        const Span span(&spans, "sample", -1, 0, 0);
        last = greedy.sample(logits.row(0)).token;
      }
      record.end_ns = now_ns();
      phase.passes.push_back(record);
      return {};
    };

    const std::vector<TokenId> prompt = random_prompt(spec.vocab);
    for (std::span<const TokenId> unread = prompt; !unread.empty();) {
      const auto chunk = unread.first(std::min<std::size_t>(unread.size(), max_batch_tokens));
      SW_TRY(pass(round.prefill, chunk));
      unread = unread.subspan(chunk.size());
    }
    round.prefill.spans = spans.records();
    spans.clear();
    round.decode.passes.reserve(static_cast<std::size_t>(flags_.new_tokens));
    for (int i = 0; i < flags_.new_tokens; ++i) {
      const TokenId token = last;
      SW_TRY(pass(round.decode, {&token, 1}));
    }
    round.decode.spans = spans.records();
    return round;
  }

 private:
  std::vector<TokenId> random_prompt(int vocab) const {
    std::mt19937 generator(1);
    std::vector<TokenId> prompt(static_cast<std::size_t>(flags_.prompt_tokens));
    for (TokenId& token : prompt) token = static_cast<TokenId>(generator() % static_cast<unsigned>(vocab));
    return prompt;
  }

  const ProfileFlags& flags_;
  const LoadedModel& loaded_;
};

/// Rounds until a second has passed, after one that warms up; of each phase the round with the median time is kept, so
/// that its ops add up.
Result<std::vector<PhaseTrace>> record(const ProfileFlags& flags, const LoadedModel& loaded, ProgressLine& progress) {
  constexpr double enough_ms = 1500;
  constexpr std::size_t least_rounds = 3, most_rounds = 25;
  Recorder recorder(flags, loaded);
  SW_TRY(recorder.run());
  std::vector<PhaseTrace> prefill, decode;
  const Stopwatch stopwatch;
  while (prefill.size() < least_rounds || (stopwatch.ms() < enough_ms && prefill.size() < most_rounds)) {
    progress.show(fmt::format("round {}", prefill.size() + 1));
    SW_ASSIGN(Round round, recorder.run());
    prefill.push_back(std::move(round.prefill));
    decode.push_back(std::move(round.decode));
  }
  std::vector<PhaseTrace> kept;
  for (auto* rounds : {&prefill, &decode}) {
    const auto middle = rounds->begin() + static_cast<std::ptrdiff_t>(rounds->size() / 2);
    std::ranges::nth_element(*rounds, middle, {}, duration_ms);
    kept.push_back(std::move(*middle));
  }
  return kept;
}

std::string label(const OpProfile& op) {
  if (op.layer < 0) return op.op;
  return op.op.empty() ? fmt::format("layer {}", op.layer) : fmt::format("{} {}", op.op, op.layer);
}

/// Twelve characters wide where the share is everything.
std::string bar(double share) {
  return std::string(static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * 12 + 0.5), '#');
}

std::string or_dash(double value, const char* format) {
  return value > 0 ? fmt::format(fmt::runtime(format), value) : "-";
}

std::string table(const PhaseProfile& phase) {
  if (phase.passes == 0) return "";
  const bool per_token = phase.tokens == phase.passes;
  std::string out =
      fmt::format("\n{}: {} tokens in {} {}, {:.1f} ms, {:.1f} tokens/s\n", phase.name, phase.tokens, phase.passes,
                  phase.passes == 1 ? "pass" : "passes", phase.ms, phase.tokens / phase.ms * 1e3);
  out += fmt::format("roof: {:.1f} GB/s of {}, {:.0f} int8, {:.0f} BF16, {:.0f} FP32 GOP/s\n\n",
                     phase.roof.bandwidth_gb_s(), phase.roof.in_cache ? "cache" : "memory",
                     phase.roof.limits.peak_gop_s(Arithmetic::int8), phase.roof.limits.peak_gop_s(Arithmetic::bf16),
                     phase.roof.limits.peak_gop_s(Arithmetic::fp32));
  out += fmt::format("  {:<17}{:>9} {:>7}  {:<12}{:>7} {:>7} {:>6}  {}\n", "", per_token ? "ms/token" : "ms/pass",
                     "share", "", "GB/s", "GOP/s", "limit", "bound");
  const auto row = [&](const std::string& name, double ms, const std::string& rest) {
    const double share = ms / phase.ms;
    out += fmt::format("  {:<17.17}{:>9.3f} {:>6.1f}%{}\n", name, ms / phase.passes, 100 * share, rest);
  };
  for (const OpProfile& op : phase.ops)
    row(label(op), op.ms,
        fmt::format("  {:<12}{:>7} {:>7} {:>6}  {}", bar(op.ms / phase.ms), or_dash(op.gb_s(), "{:.1f}"),
                    or_dash(op.gop_s(), "{:.1f}"), or_dash(100 * op.fraction_of_limit(), "{:.0f}%"), name(op.bound)));
  row("(unaccounted)", phase.unaccounted_ms, "");
  return out;
}

struct LabModule {
  int number;
  const char* name;
};

/// Where the lab shows what makes such an op faster.
LabModule module_for(const OpProfile& op) {
  constexpr LabModule attention{2, "attention"}, memory{7, "memory"}, production{9, "production"};
  if (op.op == "attention" || op.op.starts_with("ssm scan")) return attention;
  return op.bound == Bound::memory ? memory : production;
}

const char* reason(Bound bound) {
  switch (bound) {
    case Bound::memory:
      return "is bound by memory";
    case Bound::compute:
      return "is bound by arithmetic";
    case Bound::overhead:
      break;
  }
  return "is bound by neither memory nor arithmetic";
}

std::string wrapped(const std::string& text, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (column > 0) {
      const bool fits = column + 1 + (end - at) <= width;
      out += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    out.append(text, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return out;
}

/// The one sentence to take home.
std::string conclusion(std::span<const PhaseProfile> phases) {
  const auto heavy = heaviest(phases, 0.8);
  if (heavy.empty()) return "";
  double total = 0, held = 0;
  for (const PhaseProfile& phase : phases) total += phase.ms;
  std::string list;
  for (const PhaseProfile& phase : phases) {
    std::string of_phase;
    for (const HeavyOp& h : heavy)
      if (h.phase == &phase) {
        of_phase += (of_phase.empty() ? "" : ", ") + label(*h.op);
        held += h.op->ms;
      }
    if (!of_phase.empty()) list += (list.empty() ? "" : "; ") + fmt::format("{} ({})", phase.name, of_phase);
  }
  const HeavyOp& first = heavy.front();
  const LabModule lab = module_for(*first.op);
  return fmt::format("{:.0f}% of {:.0f} ms is {}; the longest, {} in {}, {}, which lab module {} ({}) addresses.",
                     100 * held / total, total, list, label(*first.op), first.phase->name, reason(first.op->bound),
                     lab.number, lab.name);
}

nlohmann::ordered_json json_of(const PhaseProfile& phase) {
  nlohmann::ordered_json ops = nlohmann::ordered_json::array();
  for (const OpProfile& op : phase.ops) {
    nlohmann::ordered_json row{{"op", op.op}};
    if (op.layer >= 0) row["layer"] = op.layer;
    row.update({{"calls", op.calls},
                {"ms", op.ms},
                {"share", op.ms / phase.ms},
                {"bytes", op.bytes},
                {"operations", op.operations},
                {"gb_s", op.gb_s()},
                {"gop_s", op.gop_s()},
                {"fraction_of_limit", op.fraction_of_limit()},
                {"bound", name(op.bound)}});
    ops.push_back(std::move(row));
  }
  return {{"passes", phase.passes},
          {"tokens", phase.tokens},
          {"ms", phase.ms},
          {"tok_s", phase.ms > 0 ? phase.tokens / phase.ms * 1e3 : 0},
          {"unaccounted_ms", phase.unaccounted_ms},
          {"unaccounted_share", phase.ms > 0 ? phase.unaccounted_ms / phase.ms : 0},
          {"roof",
           {{"bandwidth_gb_s", phase.roof.bandwidth_gb_s()},
            {"in_cache", phase.roof.in_cache},
            {"int8_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::int8)},
            {"bf16_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::bf16)},
            {"fp32_gop_s", phase.roof.limits.peak_gop_s(Arithmetic::fp32)}}},
          {"ops", std::move(ops)}};
}

Status write_file(const std::string& path, const std::string& text) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SW_TRY(file.write(text));
  return file.commit();
}

Result<Report> profile(const ProfileFlags& flags) {
  ProgressLine progress;
  SW_ASSIGN(const LoadedModel loaded, load_model(flags.model));
  const int length = flags.prompt_tokens + flags.new_tokens;
  if (length > loaded.model->spec.context)
    return fail(fmt::format("-p {} and -n {} make {} positions", flags.prompt_tokens, flags.new_tokens, length),
                flags.model.model, fmt::format("at most {}, the model's context", loaded.model->spec.context));
  const MeasuredMachine machine = measured_machine(
      SPEEDWINS_VERSION, false, [&](std::string_view what) { progress.show(fmt::format("measuring {}", what)); });
  SW_ASSIGN(const std::vector<PhaseTrace> traces, record(flags, loaded, progress));

  std::vector<PhaseProfile> by_op, shown;
  for (const PhaseTrace& trace : traces) {
    const Roof roof = roof_for(machine.limits, machine.machine.last_level_bytes(), loaded.pool->size(),
                               bytes_per_pass(trace.spans, trace.passes.size()));
    by_op.push_back(profile_phase(trace.name, trace.passes, trace.spans, roof, GroupBy::op));
    shown.push_back(
        profile_phase(trace.name, trace.passes, trace.spans, roof, flags.by_layer ? GroupBy::layer : GroupBy::op));
  }
  const std::string sentence = conclusion(by_op);
  if (!flags.trace.empty()) SW_TRY(write_file(flags.trace, chrome_trace(traces, "speedwins " + flags.model.model)));

  Report report;
  report.json = {{"model", flags.model.model}, {"threads", loaded.pool->size()}};
  report.text = fmt::format("{}, {} threads, {}\n", flags.model.model, loaded.pool->size(), machine.machine.cpu);
  for (const PhaseProfile& phase : shown) {
    report.json[phase.name] = json_of(phase);
    report.text += table(phase);
  }
  report.json["conclusion"] = sentence;
  report.text += "\n" + wrapped(sentence, 79) + "\n";
  if (!flags.trace.empty())
    report.text += fmt::format("\nThe trace opens in ui.perfetto.dev or chrome://tracing: {}\n", flags.trace);
  return report;
}

}  // namespace

void add_profile_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ProfileFlags>();
  CLI::App* command = app.add_subcommand("profile", "Where the time goes, op by op, and how near the machine's limits");
  add_model_flags(*command, flags->model);
  command->add_option("-p,--prompt-tokens", flags->prompt_tokens, "Prompt tokens")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_option("-n,--new-tokens", flags->new_tokens, "New tokens")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_flag("--by-layer", flags->by_layer, "Add up each layer's ops instead of each op's layers");
  command->add_option("--trace", flags->trace, "Write every op as a Chrome trace to this file");
  command->footer(
      "limit: the fraction reached of what the machine's bandwidth and arithmetic allow (see `speedwins\n"
      "machine`); bound: which of the two is in the way, or neither (overhead). Above 100%: data that was\n"
      "still in a nearer cache, or limits measured while other programs ran.\n"
      "\n"
      "Examples:\n"
      "  speedwins profile demo\n"
      "  speedwins profile model.gguf -p 512 -n 32 --by-layer\n"
      "  speedwins profile model.gguf --trace trace.json");
  on_command(*command, context, [flags] { return profile(*flags); });
}

}  // namespace sw
