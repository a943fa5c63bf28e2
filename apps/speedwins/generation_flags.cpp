#include "generation_flags.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace sw {
namespace {

template <class T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "ID=BIAS" into the options; an empty string where it is well formed, as CLI11 wants it.
std::string add_logit_bias(GenerationOptions& options, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return "expected ID=BIAS";
  const auto token = parse<TokenId>(std::string_view(text).substr(0, equals));
  const auto bias = parse<float>(std::string_view(text).substr(equals + 1));
  if (!token || *token < 0 || !bias || !(*bias < std::numeric_limits<float>::infinity()))
    return "expected ID=BIAS, a token id and a number (-inf bans the token)";
  options.sampling.logit_bias[*token] = *bias;
  return {};
}

}  // namespace

void add_generation_flags(CLI::App& command, GenerationOptions& options) {
  SamplingOptions& sampling = options.sampling;
  const std::string group = "Sampling (in the order applied)";
  command.add_option("-n,--max-tokens", options.max_tokens, "New tokens at most (-1: until the context is full)")
      ->check(CLI::Range(-1, std::numeric_limits<int>::max()))
      ->capture_default_str();
  command.add_option("--stop", options.stop_strings, "End before this text (may be repeated)")->allow_extra_args(false);
  command.add_flag("--ignore-eos", options.ignore_eos, "Go on after the model's own end");

  command
      .add_option_function<std::vector<std::string>>(
          "--logit-bias", [](const std::vector<std::string>&) {}, "ID=BIAS added to a token's logit (may be repeated)")
      ->allow_extra_args(false)
      ->check([&options](const std::string& text) { return add_logit_bias(options, text); })
      ->group(group);
  command.add_option("--repetition-penalty", sampling.repetition_penalty, "CTRL's, over prompt and output; 1: off")
      ->check(CLI::Range(1e-3, 100.0))
      ->group(group);
  command.add_option("--frequency-penalty", sampling.frequency_penalty, "Per time a token was written; 0: off")
      ->check(CLI::Range(-100.0, 100.0))
      ->group(group);
  command.add_option("--presence-penalty", sampling.presence_penalty, "Once for every token written; 0: off")
      ->check(CLI::Range(-100.0, 100.0))
      ->group(group);
  command.add_option("--temp", sampling.temperature, "Temperature; 0 (default): always the most likely token")
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  command.add_option("--top-k", sampling.top_k, "Only the K most likely tokens; 0: off")
      ->check(CLI::Range(0, std::numeric_limits<int>::max()))
      ->group(group);
  command.add_option("--top-p", sampling.top_p, "Only the most likely tokens that hold P of the probability; 1: off")
      ->check(CLI::Range(1e-6, 1.0))
      ->group(group);
  command.add_option("--min-p", sampling.min_p, "Only tokens at least P times as likely as the first; 0: off")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command.add_option("--typical-p", sampling.typical_p, "Only tokens of typical surprise that hold P; 1: off")
      ->check(CLI::Range(1e-6, 1.0))
      ->group(group);
  command.add_option("--seed", sampling.seed, "The same seed gives the same text")->group(group);
  command.add_option("--logprobs", sampling.top_logprobs, "With --json: log-probabilities and K alternatives")
      ->check(CLI::Range(0, 1000))
      ->group(group);
}

}  // namespace sw
