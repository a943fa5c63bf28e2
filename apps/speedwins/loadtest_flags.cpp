#include "loadtest_flags.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "duration_flag.hpp"

namespace sw::loadtest {
namespace {

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

/// Flags that contradict each other in ways the parser does not see.
Status check(const LoadtestFlags& flags) {
  const bool recorded = !flags.trace.empty() && flags.trace != "chat";
  if (flags.find_max && recorded) return fail("a trace has its own rate", "--find-max", "--trace chat or no trace");
  if (flags.users > 0 && recorded)
    return fail("a trace has its own instants", "--concurrency", "--trace chat or no trace");
  return {};
}

}  // namespace

void add_loadtest_flags(CLI::App& command, LoadtestFlags& flags) {
  add_target_flags(command, flags);
  add_load_flags(command, flags);
  add_prompt_flags(command, flags);
  add_limit_flags(command, flags);
  add_output_flags(command, flags.output);
}

Result<std::string> read_key(const std::string& file) {
  SW_ASSIGN(std::string key, read_text_file(file, 1 << 16));
  key.resize(std::min(key.find_first_of("\r\n"), key.size()));
  const bool printable = std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
  if (key.empty() || !printable) return fail("holds no key", file, "one line of printable characters");
  return key;
}

Status prepare_loadtest(LoadtestFlags& flags) {
  SW_TRY(check(flags));
  if (!flags.targets.ttft_p99_ms && !flags.targets.itl_p99_ms && !flags.targets.e2e_p99_ms)
    flags.targets.ttft_p99_ms = 200;
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

}  // namespace sw::loadtest
