#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "commands.hpp"
#include "duration_flag.hpp"
#include "interrupt.hpp"
#include "live_view.hpp"
#include "loadtest/document.hpp"
#include "loadtest/rate_search.hpp"
#include "loadtest_json.hpp"
#include "output.hpp"

namespace sw {
namespace {

struct LoadtestFlags {
  LoadOptions options;
  OutputFlags output;
  LoadTargets targets;
  std::string url, key_file, trace, prompts, prompt_words = "64", max_tokens = "64";
  double rate = 0, speed = 1;
  int users = 0;
  bool poisson = true, find_max = false, has_duration = false;
};

/// The key file's first line, without a line end.
Result<std::string> read_key(const std::string& file) {
  SW_ASSIGN(std::string key, read_text_file(file, 1 << 16));
  key.resize(std::min(key.find_first_of("\r\n"), key.size()));
  const bool printable = std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
  if (key.empty() || !printable) return fail("holds no key", file, "one line of printable characters");
  return key;
}

Status choose_prompts(LoadtestFlags& flags) {
  LoadOptions& options = flags.options;
  SW_ASSIGN(const auto words, LengthDistribution::parse(flags.prompt_words));
  SW_ASSIGN(const auto max_tokens, LengthDistribution::parse(flags.max_tokens));
  options.prompts = random_prompts(words, max_tokens, options.seed);
  if (flags.trace == "chat") {
    options.prompts = chat_trace(max_tokens, options.seed);
  } else if (!flags.trace.empty()) {
    SW_ASSIGN(RecordedTrace trace, read_trace(flags.trace, options.seed));
    for (double& at_s : trace.at_s) at_s /= flags.speed;
    if (!flags.has_duration) options.duration_s = trace.at_s.back() + 1;
    options.workload = Replay{std::move(trace.at_s)};
    options.prompts = std::move(trace.prompts);
  }
  if (!flags.prompts.empty()) {
    SW_ASSIGN(options.prompts, prompts_from_file(flags.prompts));
  }
  // A prompt of a file may say how long its answer is to be; the others are told.
  options.prompts = [prompts = std::move(options.prompts), max_tokens, seed = options.seed](std::uint64_t i) {
    LoadPrompt prompt = prompts(i);
    if (prompt.max_tokens == 0) prompt.max_tokens = max_tokens.at(seed, 0, i);
    return prompt;
  };
  return {};
}

Status prepare(LoadtestFlags& flags) {
  LoadOptions& options = flags.options;
  SW_ASSIGN(options.target.url, endpoint_url(flags.url, options.target.chat));
  if (!flags.key_file.empty()) {
    SW_ASSIGN(options.target.api_key, read_key(flags.key_file));
  }
  if (flags.users > 0)
    options.workload = ClosedLoop{flags.users};
  else
    options.workload = OpenLoop{flags.rate > 0 ? flags.rate : 1, flags.poisson};
  SW_TRY(choose_prompts(flags));
  if (options.target.model.empty()) {
    SW_ASSIGN(options.target.model, first_model(options.target));
  }
  return {};
}

std::string percentiles(const char* name, const Histogram& histogram) {
  if (histogram.count() == 0) return fmt::format("{:<12} -", name);
  const auto at = [&](double q) { return histogram.quantile_ns(q) / 1e6; };
  return fmt::format("{:<12} p50 {:>9.2f} ms   p90 {:>9.2f} ms   p99 {:>9.2f} ms", name, at(0.5), at(0.9), at(0.99));
}

/// The first token's p99 in each of the last seconds, the highest of them as a full bar.
std::string recent_seconds(const LoadStats& stats) {
  constexpr std::size_t shown = 40;
  constexpr const char* bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t begin = stats.seconds.size() > shown ? stats.seconds.size() - shown : 0;
  double highest = 0;
  for (std::size_t i = begin; i < stats.seconds.size(); ++i)
    highest = std::max(highest, stats.seconds[i].ttft.quantile_ns(0.99));
  std::string line = "by second    ";
  for (std::size_t i = begin; i < stats.seconds.size(); ++i) {
    const double value = stats.seconds[i].ttft.quantile_ns(0.99);
    line += bars[highest > 0 ? static_cast<int>(value / highest * 8 + 0.5) : 0];
  }
  return line;
}

std::vector<std::string> live_lines(const std::string& title, const LoadProgress& progress) {
  const LoadStats& stats = progress.stats;
  return {fmt::format("{}: {:.0f} s, {} due, {} answered, {} in flight, {} failed", title, progress.elapsed_s,
                      stats.offered, stats.answered, progress.in_flight, stats.failed()),
          percentiles("first token", stats.ttft), percentiles("ITL", stats.itl), percentiles("whole", stats.e2e),
          recent_seconds(stats)};
}

/// The flags that decide what was measured, keys sorted.
std::string configuration(const LoadtestFlags& flags) {
  const LoadOptions& options = flags.options;
  return nlohmann::json{{"chat", options.target.chat},
                        {"find_max", flags.find_max},
                        {"load", describe(options.workload)},
                        {"max_tokens", flags.max_tokens},
                        {"prompts", !flags.prompts.empty() ? flags.prompts
                                    : !flags.trace.empty() ? flags.trace
                                                           : flags.prompt_words},
                        {"stream", options.target.stream}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

RunStatus status_of(bool interrupted) {
  return interrupted ? RunStatus::interrupted : RunStatus::done;
}

Result<Report> one_test(const LoadtestFlags& flags, const Context& context, Recording& recording,
                        const std::atomic<bool>& stop) {
  std::optional<LiveView> view(std::in_place);
  SW_ASSIGN(const LoadResult result, run_load(flags.options, stop, [&](const LoadProgress& progress) {
              view->show(live_lines(flags.options.target.url.host, progress));
            }));
  view.reset();
  recording.finish(load_metrics(result), status_of(result.interrupted));
  SW_ASSIGN(Report report,
            make_report(load_json(flags.options, result), load_document(flags.options, result), flags.output, context));
  if (result.stats.answered == 0) report.exit_code = 1;
  return report;
}

Result<Report> search(const LoadtestFlags& flags, const Context& context, Recording& recording,
                      const std::atomic<bool>& stop) {
  LoadOptions options = flags.options;
  if (!flags.has_duration) options.duration_s = 10;
  const auto base = std::get<OpenLoop>(options.workload);
  const double duration_s = options.duration_s;
  RateSearch rates({.first = base.rate});
  std::vector<TriedRate> tried;
  std::optional<LiveView> view(std::in_place);
  while (const auto step = rates.next()) {
    options.workload = OpenLoop{step->rate, base.poisson};
    options.duration_s = options.warm_up_s + (step->confirms ? 2 : 1) * (duration_s - options.warm_up_s);
    const std::string title = fmt::format("{:.4g} requests/s{}, met so far: {:.4g}", step->rate,
                                          step->confirms ? " again" : "", rates.answer());
    SW_ASSIGN(LoadResult result,
              run_load(options, stop, [&](const LoadProgress& progress) { view->show(live_lines(title, progress)); }));
    const bool met = flags.targets.met(result);
    const bool interrupted = result.interrupted;
    tried.push_back({step->rate, step->confirms, met, std::move(result)});
    if (interrupted) break;
    rates.tell(met);
  }
  view.reset();
  const TriedRate* best = highest_met(tried);
  const double highest = best ? best->rate : 0;
  std::vector<Metric> metrics;
  if (best) metrics = load_metrics(best->result);
  metrics.push_back({.name = "highest_rate",
                     .unit = "1/s",
                     .kind = MetricKind::timing,
                     .better = Better::higher,
                     .value = highest,
                     .low = highest,
                     .high = highest,
                     .samples = {}});
  recording.finish(metrics, status_of(stop));
  SW_ASSIGN(Report report, make_report(search_json(flags.options, flags.targets, tried),
                                       search_document(flags.options, flags.targets, tried), flags.output, context));
  if (!best) report.exit_code = 1;
  return report;
}

Result<Report> loadtest(LoadtestFlags flags, const Context& context) {
  const std::atomic<bool>& stop = catch_interrupt();
  SW_TRY(prepare(flags));
  SW_TRY(check_server(flags.options, stop));
  if (stop) return fail("was interrupted before the test began", flags.options.target.url.text());
  Recording recording(flags.output, {.command = "loadtest",
                                     .version = {},
                                     .machine = {},
                                     .model = flags.options.target.url.text() + " " + flags.options.target.model,
                                     .model_hash = {},
                                     .configuration = configuration(flags)});
  return flags.find_max ? search(flags, context, recording, stop) : one_test(flags, context, recording, stop);
}

void add_target_flags(CLI::App& command, LoadtestFlags& flags) {
  LoadTarget& target = flags.options.target;
  const std::string group = "Server";
  command.add_option("URL", flags.url, "host:port, http://host/v1, or the address of an endpoint")->required();
  command.add_option("--model", target.model, "Model to ask (default: the first the server lists)")->group(group);
  static const std::map<std::string, bool> endpoints = {{"chat", true}, {"completions", false}};
  command.add_option("--endpoint", target.chat, "chat (default) or completions")
      ->transform(CLI::CheckedTransformer(endpoints))
      ->group(group);
  command.add_flag("!--no-stream", target.stream, "Ask for whole answers: the first token is the last")->group(group);
  command.add_option("--api-key-file", flags.key_file, "File that holds the server's key")
      ->check(CLI::ExistingFile)
      ->group(group);
  command.add_flag("!--insecure", target.verify_tls, "Do not check the server's certificate")->group(group);
  command.add_flag("--ignore-eos", target.ignore_eos, "Ask for answers of exactly --max-tokens, where that is known")
      ->group(group);
  add_duration(
      command, "--timeout", "s", [&flags](double s) { flags.options.timeout_s = s; }, "Of one request (default: 60s)")
      ->group(group);
}

void add_load_flags(CLI::App& command, LoadtestFlags& flags) {
  LoadOptions& options = flags.options;
  const std::string group = "Load";
  auto* rate = command.add_option("--rate", flags.rate, "Open loop: requests per second (default: 1)")
                   ->check(CLI::Range(1e-3, 1e6))
                   ->group(group);
  static const std::map<std::string, bool> arrivals = {{"poisson", true}, {"fixed", false}};
  command.add_option("--arrivals", flags.poisson, "Gaps between requests: poisson (default) or fixed")
      ->transform(CLI::CheckedTransformer(arrivals))
      ->group(group);
  auto* users = command.add_option("--concurrency", flags.users, "Closed loop: users who ask again when answered")
                    ->check(CLI::Range(1, 65536))
                    ->excludes(rate)
                    ->group(group);
  auto* trace = command
                    .add_option("--trace", flags.trace,
                                "chat: made-up conversations that share prefixes; or a JSONL file of instants and "
                                "prompts to replay")
                    ->group(group);
  command.add_option("--speed", flags.speed, "Replay a trace so many times faster")
      ->check(CLI::Range(1e-3, 1e6))
      ->needs(trace)
      ->group(group);
  add_duration(
      command, "-d,--duration", "s",
      [&flags](double s) {
        flags.options.duration_s = s;
        flags.has_duration = true;
      },
      "Send requests for so long (default: 30s; 10s for each rate of --find-max)")
      ->group(group);
  command.add_option("-n,--requests", options.max_requests, "Send no more than so many")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->group(group);
  add_duration(
      command, "--warm-up", "s", [&flags](double s) { flags.options.warm_up_s = s; },
      "At the beginning, part of the duration and not counted (default: 0)")
      ->group(group);
  command.add_option("--seed", options.seed, "Of instants and prompts")->capture_default_str()->group(group);
  command.add_option("-t,--threads", options.threads, "Of this client")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
  command.add_option("--connections", options.max_connections, "Open at most so many; further requests wait")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--find-max", flags.find_max, "Search the highest rate that meets the targets")
      ->excludes(users)
      ->group(group);
}

void add_prompt_flags(CLI::App& command, LoadtestFlags& flags) {
  const std::string group = "Prompts";
  command.add_option("--prompts", flags.prompts, "File of prompts: lines of text, or JSONL with prompt or messages")
      ->check(CLI::ExistingFile)
      ->group(group);
  command.add_option("--prompt-words", flags.prompt_words, "Random words: 64, 32-512 or lognormal:128:0.8")
      ->capture_default_str()
      ->group(group);
  command.add_option("--max-tokens", flags.max_tokens, "Of an answer: 64, 16-128 or lognormal:64:0.6")
      ->capture_default_str()
      ->group(group);
}

void add_limit_flags(CLI::App& command, LoadtestFlags& flags) {
  const std::string group = "Limits";
  const auto limit = [&](const std::string& name, std::optional<double>& ms, const std::string& description) {
    add_duration(
        command, name, "ms", [&ms](double s) { ms = s * 1e3; }, description)
        ->group(group);
  };
  limit("--slo-ttft", flags.options.slo.ttft_ms, "A good request has its first token by then");
  limit("--slo-itl", flags.options.slo.itl_ms, "… and its tokens no further apart, on average");
  limit("--slo-e2e", flags.options.slo.e2e_ms, "… and all of its answer by then");
  limit("--ttft-p99", flags.targets.ttft_p99_ms, "--find-max: 99 % of first tokens come by then (default: 200ms)");
  limit("--itl-p99", flags.targets.itl_p99_ms, "--find-max: 99 % of tokens are no further apart");
  limit("--e2e-p99", flags.targets.e2e_p99_ms, "--find-max: 99 % of answers end by then");
  command.add_option("--max-errors", flags.targets.error_rate, "--find-max: the share of requests that may fail")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_loadtest_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<LoadtestFlags>();
  CLI::App* command = app.add_subcommand("loadtest", "Put load on any OpenAI-compatible server and measure it");
  add_target_flags(*command, *flags);
  add_load_flags(*command, *flags);
  add_prompt_flags(*command, *flags);
  add_limit_flags(*command, *flags);
  add_output_flags(*command, flags->output);
  command->footer(
      "An open loop (--rate, --trace FILE) sends when requests are due, whatever the server does, and measures from\n"
      "that instant: a stall counts for everybody who would have waited. Ctrl-C ends the test and shows what there "
      "is.\n"
      "--trace chat: 64 conversations of five turns take turns; each turn sends its whole conversation again, behind\n"
      "one of eight system prompts of 200 words.\n"
      "\n"
      "Examples:\n"
      "  speedwins loadtest localhost:8080 --rate 20 -d 30s --slo-ttft 200ms --slo-itl 50ms\n"
      "  speedwins loadtest localhost:8080 --concurrency 16 --prompt-words lognormal:128:0.8 --html load.html\n"
      "  speedwins loadtest localhost:8080 --trace chat --rate 5\n"
      "  speedwins loadtest localhost:8080 --find-max --ttft-p99 100ms --json | jq .highest_rate\n"
      "  speedwins loadtest https://api.example.com --model m --api-key-file key.txt --trace day.jsonl --speed 10");
  on_command(*command, context, [flags, &context]() -> Result<Report> {
    if (flags->find_max && !flags->trace.empty() && flags->trace != "chat")
      return fail("a trace has its own rate", "--find-max", "--trace chat or no trace");
    if (flags->users > 0 && !flags->trace.empty() && flags->trace != "chat")
      return fail("a trace has its own instants", "--concurrency", "--trace chat or no trace");
    if (!flags->targets.ttft_p99_ms && !flags->targets.itl_p99_ms && !flags->targets.e2e_p99_ms)
      flags->targets.ttft_p99_ms = 200;
    return loadtest(*flags, context);
  });
}

}  // namespace sw
