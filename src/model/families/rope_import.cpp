#include <cmath>
#include <cstring>
#include <numbers>

#include <fmt/core.h>

#include "model/families/rope.hpp"

namespace sw {
namespace {

/// The RoPE entries of a config.json, wherever its version puts them.
class RopeConfig {
 public:
  explicit RopeConfig(const Metadata& config) : config_(config) {}

  /// The full key of `name`, empty when there is none.
  std::string key(std::string_view name) const {
    for (const std::string_view prefix : {"rope_parameters.", "rope_scaling.", ""})
      if (std::string full = std::string(prefix) + std::string(name); config_.find(full)) return full;
    return {};
  }

  Result<double> number(std::string_view name) const {
    const std::string full = key(name);
    return config_.number(full.empty() ? "rope_parameters." + std::string(name) : full);
  }
  Result<double> number_or(std::string_view name, double fallback) const {
    return key(name).empty() ? Result<double>(fallback) : number(name);
  }
  /// An array of finite numbers above 0, of `n` elements.
  Result<std::vector<float>> floats(std::string_view name, std::size_t n) const {
    const auto* values = config_.floats(key(name));
    if (!values || values->size() != n)
      return fail(fmt::format("config.json's '{}' has {} numbers", name, values ? values->size() : 0), {},
                  fmt::format("{}", n));
    return std::vector<float>(values->begin(), values->end());
  }
  Result<std::string> type() const {
    for (const char* name :
         {"rope_parameters.rope_type", "rope_parameters.type", "rope_scaling.rope_type", "rope_scaling.type"})
      if (config_.find(name)) return config_.string(name);
    return std::string("default");
  }

 private:
  const Metadata& config_;
};

void add_factors(Checkpoint& checkpoint, std::string name, const std::vector<float>& values) {
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(float));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  checkpoint.tensors.push_back(
      {std::move(name), DType::f32, {static_cast<std::int64_t>(values.size())}, std::span<const std::byte>(*bytes)});
  checkpoint.owned.push_back(std::move(bytes));
}

Result<float> above_zero(Result<double> value, std::string_view name) {
  SW_ASSIGN(const double number, std::move(value));
  if (!std::isfinite(number) || number <= 0)
    return fail(fmt::format("config.json's '{}' is {}", name, number), {}, "a finite number above 0");
  return static_cast<float>(number);
}

/// What Llama 3.1's scaling divides each frequency by: 1 for short wavelengths, `factor` for long ones, a blend
/// between (transformers, _compute_llama3_parameters).
Result<std::vector<float>> llama3_factors(const RopeConfig& rope, double base, int dims, double original) {
  SW_ASSIGN(const float factor, above_zero(rope.number("factor"), "factor"));
  SW_ASSIGN(const float low, above_zero(rope.number("low_freq_factor"), "low_freq_factor"));
  SW_ASSIGN(const float high, above_zero(rope.number("high_freq_factor"), "high_freq_factor"));
  std::vector<float> factors;
  for (int i = 0; i < dims / 2; ++i) {
    const double wavelength = 2 * std::numbers::pi * std::pow(base, 2.0 * i / dims);
    const double blend = (original / wavelength - low) / (high - low);
    if (wavelength < original / high)
      factors.push_back(1);
    else if (wavelength > original / low)
      factors.push_back(factor);
    else
      factors.push_back(static_cast<float>(1 / ((1 - blend) / factor + blend)));
  }
  return factors;
}

/// The factor on cos and sin beyond the 0.1·ln(factor) + 1 that GGUF readers apply by themselves.
Result<float> yarn_attention(const RopeConfig& rope, double factor) {
  const auto mscale = [&](double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1; };
  double wanted = mscale(1);
  if (!rope.key("attention_factor").empty()) {
    SW_ASSIGN(wanted, rope.number("attention_factor"));
  } else {
    SW_ASSIGN(const double numerator, rope.number_or("mscale", 0));
    SW_ASSIGN(const double denominator, rope.number_or("mscale_all_dim", 0));
    if (numerator != 0 && denominator != 0) wanted = mscale(numerator) / mscale(denominator);
  }
  return above_zero(wanted / mscale(1), "attention_factor");
}

}  // namespace

Status import_rope(const Metadata& config, std::string_view architecture, int head_dim, Checkpoint& imported) {
  const RopeConfig rope(config);
  const auto key = [&](std::string_view name) { return fmt::format("{}.rope.{}", architecture, name); };
  Metadata& out = imported.metadata;

  SW_ASSIGN(const float base, above_zero(rope.number_or("rope_theta", 10000), "rope_theta"));
  SW_ASSIGN(const float rotated, above_zero(rope.number_or("partial_rotary_factor", 1), "partial_rotary_factor"));
  SW_ASSIGN(const double context, config.number("max_position_embeddings"));
  SW_ASSIGN(const float original, above_zero(rope.number_or("original_max_position_embeddings", context),
                                             "original_max_position_embeddings"));
  SW_ASSIGN(std::string type, rope.type());
  const int dims = static_cast<int>(static_cast<float>(head_dim) * std::min(rotated, 1.0f));
  const bool two_sets = !rope.key("long_factor").empty() && !rope.key("short_factor").empty();
  if (type == "su" || (type == "yarn" && two_sets)) type = "longrope";  // what Phi-3 first called it

  out.set(key("dimension_count"), static_cast<std::uint32_t>(dims));
  out.set(key("freq_base"), base);
  const auto set_original = [&] {
    out.set(key("scaling.original_context_length"), static_cast<std::uint32_t>(original));
  };

  if (type == "default") return {};
  if (type == "llama3") {
    SW_ASSIGN(const auto factors, llama3_factors(rope, base, dims, original));
    add_factors(imported, "rope_freqs.weight", factors);
  } else if (type == "linear") {
    SW_ASSIGN(const float factor, above_zero(rope.number("factor"), "factor"));
    out.set(key("scaling.type"), "linear");
    out.set(key("scaling.factor"), factor);
  } else if (type == "dynamic") {
    SW_ASSIGN(const float factor, above_zero(rope.number("factor"), "factor"));
    out.set(key("scaling.dynamic_factor"), factor);
  } else if (type == "yarn") {
    SW_ASSIGN(const float factor, above_zero(rope.number_or("factor", context / original), "factor"));
    SW_ASSIGN(const float attention, yarn_attention(rope, factor));
    out.set(key("scaling.type"), "yarn");
    out.set(key("scaling.factor"), factor);
    set_original();
    if (attention != 1) out.set(key("scaling.attn_factor"), attention);
    for (const char* name : {"beta_fast", "beta_slow"}) {
      if (rope.key(name).empty()) continue;
      SW_ASSIGN(const float beta, above_zero(rope.number(name), name));
      out.set(key(std::string("scaling.yarn_") + name), beta);
    }
    SW_ASSIGN(const bool truncate, config.boolean_or(rope.key("truncate"), true));
    if (!truncate) out.set(key("scaling.yarn_truncate"), false);
  } else if (type == "longrope") {
    SW_ASSIGN(const float factor, above_zero(rope.number_or("factor", context / original), "factor"));
    const double paper = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(double{factor}) / std::log(double{original}));
    SW_ASSIGN(const float attention, above_zero(rope.number_or("attention_factor", paper), "attention_factor"));
    SW_ASSIGN(const auto long_factors, rope.floats("long_factor", static_cast<std::size_t>(dims / 2)));
    SW_ASSIGN(const auto short_factors, rope.floats("short_factor", static_cast<std::size_t>(dims / 2)));
    set_original();
    out.set(key("scaling.attn_factor"), attention);
    add_factors(imported, "rope_factors_long.weight", long_factors);
    add_factors(imported, "rope_factors_short.weight", short_factors);
  } else {
    return fail(fmt::format("config.json asks for RoPE of type '{}'", type), {},
                "default, linear, dynamic, yarn, llama3 or longrope");
  }
  return {};
}

}  // namespace sw
