#include "server/generation_request.hpp"

#include <charconv>
#include <limits>
#include <random>

namespace sw {
namespace {

constexpr std::size_t max_stops = 16;

void read_stop(Fields& fields, std::vector<std::string>& stops) {
  const Json* stop = fields.find("stop");
  if (!stop) return;
  const auto add = [&](const Json& one) {
    if (one.is_string() && !one.get_ref<const std::string&>().empty())
      stops.push_back(one.get<std::string>());
    else if (!one.is_string())
      fields.reject("stop", "must be a string or a list of strings");
  };
  if (!stop->is_array()) return add(*stop);
  if (stop->size() > max_stops) return fields.reject("stop", "has more than 16 strings");
  for (const Json& one : *stop) add(one);
}

void read_logit_bias(Fields& fields, SamplingOptions& sampling) {
  const Json* bias = fields.find("logit_bias");
  if (!bias) return;
  if (!bias->is_object()) return fields.reject("logit_bias", "must be an object from token ids to numbers");
  for (const auto& [name, value] : bias->items()) {
    TokenId token = -1;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), token);
    if (code != std::errc() || end != name.data() + name.size() || token < 0)
      return fields.reject("logit_bias", "has the key '" + name + "', which is no token id");
    if (!value.is_number() || !(value.get<double>() >= -100 && value.get<double>() <= 100))
      return fields.reject("logit_bias." + name, "must be a number from -100 to 100");
    const float amount = value.get<float>();
    // OpenAI: -100 "should result in a ban"; here it does whatever the logits are.
    sampling.logit_bias[token] = amount <= -100 ? -std::numeric_limits<float>::infinity() : amount;
  }
}

std::uint64_t drawn_seed() {
  static thread_local std::mt19937_64 random(std::random_device{}());
  return random();
}

}  // namespace

Api<GenerationFields> read_generation_fields(const Json& body) {
  constexpr std::int64_t any_low = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t any_high = std::numeric_limits<std::int64_t>::max();
  GenerationFields asked;
  Request& request = asked.request;
  SamplingOptions& sampling = request.sampling;
  Fields fields(body);
  fields.read("model", asked.model);
  fields.read("stream", asked.stream);
  if (const Json* options = fields.find("stream_options")) {
    if (options->is_object()) {
      Fields inner(*options, "stream_options");
      inner.read("include_usage", asked.include_usage);
      SW_TRY(inner.status());
    } else {
      fields.reject("stream_options", "must be an object");
    }
  }
  fields.read("n", request.n, 1, 16);
  read_stop(fields, request.stop_strings);
  std::int64_t seed = 0;
  fields.read("seed", seed, any_low, any_high);
  asked.has_seed = fields.find("seed") != nullptr;
  sampling.seed = asked.has_seed ? static_cast<std::uint64_t>(seed) : drawn_seed();
  sampling.temperature = 1;  // OpenAI's default
  fields.read("temperature", sampling.temperature, 0, 100);
  fields.read("top_p", sampling.top_p, 0, 1);
  fields.read("top_k", sampling.top_k, 0, std::numeric_limits<int>::max());
  fields.read("min_p", sampling.min_p, 0, 1);
  fields.read("typical_p", sampling.typical_p, 0, 1);
  fields.read("repetition_penalty", sampling.repetition_penalty, 0, 100);
  for (const auto& [name, value] : {std::pair{"top_p", sampling.top_p}, std::pair{"typical_p", sampling.typical_p},
                                    std::pair{"repetition_penalty", sampling.repetition_penalty}})
    if (!(value > 0)) fields.reject(name, "must be more than 0");
  fields.read("presence_penalty", sampling.presence_penalty, -100, 100);
  fields.read("frequency_penalty", sampling.frequency_penalty, -100, 100);
  read_logit_bias(fields, sampling);
  fields.read("ignore_eos", request.ignore_eos);
  fields.read("priority", request.priority, -100, 100);
  fields.read("timeout_ms", asked.timeout_ms, 0, 1e9);
  if (fields.find("timeout_ms") && !(asked.timeout_ms > 0)) fields.reject("timeout_ms", "must be more than 0");
  if (const Json* format = fields.find("response_format")) asked.response_format = *format;
  SW_TRY(fields.status());
  if (auto status = sampling.check(); !status) return refuse(status.error());
  return asked;
}

}  // namespace sw
