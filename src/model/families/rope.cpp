#include "model/families/rope.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include <fmt/core.h>

namespace sw {
namespace {

/// base^(2i/dims) for i < dims/2, rounded where PyTorch rounds: exponent and power are float32.
std::vector<float> wavelengths(double base, int dims) {
  std::vector<float> powers(static_cast<std::size_t>(dims / 2));
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dims);
    powers[i] = static_cast<float>(std::pow(double{static_cast<float>(base)}, double{exponent}));
  }
  return powers;
}

/// A tensor of one positive float32 per frequency.
Result<std::vector<float>> factors(const TensorView& tensor, std::size_t n) {
  if (tensor.dtype != DType::f32 || tensor.shape != Shape{static_cast<std::int64_t>(n)})
    return fail(fmt::format("tensor '{}' is {} {}", tensor.name, info(tensor.dtype).name, to_string(tensor.shape)), {},
                fmt::format("F32 [{}]", n));
  std::vector<float> values(n);
  std::memcpy(values.data(), tensor.data.data(), n * sizeof(float));
  const auto bad = std::ranges::find_if_not(values, [](float f) { return std::isfinite(f) && f > 0; });
  if (bad != values.end())
    return fail(fmt::format("tensor '{}' holds {}", tensor.name, *bad), {}, "finite numbers above 0");
  return values;
}

struct Yarn {
  double base, factor, original_context, beta_fast, beta_slow;
  bool truncate;
};

/// YaRN (Peng et al. 2023, section 3.2): high frequencies stay, low ones are divided by `factor`, a ramp between.
std::vector<float> yarn_frequencies(const Yarn& yarn, std::span<const float> powers) {
  const double dims = 2.0 * static_cast<double>(powers.size());
  const auto dimension_of = [&](double rotations) {
    return dims * std::log(yarn.original_context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(yarn.base));
  };
  double low = dimension_of(yarn.beta_fast), high = dimension_of(yarn.beta_slow);
  if (yarn.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dims - 1);
  if (low == high) high += 0.001;

  std::vector<float> frequencies(powers.size());
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0f - std::clamp(ramp, 0.0f, 1.0f);
    frequencies[i] = 1.0f / (static_cast<float>(yarn.factor) * powers[i]) * (1.0f - kept) + 1.0f / powers[i] * kept;
  }
  return frequencies;
}

}  // namespace

Result<Rope> read_rope(const Checkpoint& checkpoint, const Keys& keys, RopeLayout layout, int head_dim, int context) {
  const Metadata& metadata = checkpoint.metadata;
  SW_ASSIGN(const int dims, keys.size_or("rope.dimension_count", head_dim));
  if (dims % 2 != 0 || dims > head_dim)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("rope.dimension_count"), dims), {},
                fmt::format("an even number up to the head's {} dimensions", head_dim));
  SW_ASSIGN(const float base_key, keys.positive_or("rope.freq_base", 10000));
  SW_ASSIGN(const int trained, keys.size("context_length", Keys::max_positions));
  SW_ASSIGN(const int original, keys.size_or("rope.scaling.original_context_length", trained, Keys::max_positions));
  SW_ASSIGN(const float factor, keys.positive_or("rope.scaling.factor", 1));
  SW_ASSIGN(const float attention_factor, keys.positive_or("rope.scaling.attn_factor", 1));
  SW_ASSIGN(const float dynamic, keys.positive_or("rope.scaling.dynamic_factor", 1));
  SW_ASSIGN(const std::string type, metadata.string_or(keys.name("rope.scaling.type"), "none"));

  double base = base_key;
  if (dynamic > 1 && context > original && dims > 2)  // bloc97 and emozilla's NTK-aware scaling of the base
    base *= std::pow(double{dynamic} * context / original - (double{dynamic} - 1), dims / (dims - 2.0));

  Rope rope{.layout = layout, .inv_freq = {}, .magnitude = attention_factor};
  const std::vector<float> powers = wavelengths(base, dims);
  const TensorView* scaled = checkpoint.find("rope_freqs.weight");
  if (const TensorView* extended =
          checkpoint.find(context > original ? "rope_factors_long.weight" : "rope_factors_short.weight"))
    scaled = extended;

  if (scaled) {  // Llama 3's per-frequency factors, longrope
    SW_ASSIGN(const auto divisors, factors(*scaled, powers.size()));
    for (std::size_t i = 0; i < powers.size(); ++i) rope.inv_freq.push_back(1.0f / (divisors[i] * powers[i]));
  } else if (type == "yarn") {
    SW_ASSIGN(const float beta_fast, keys.positive_or("rope.scaling.yarn_beta_fast", 32));
    SW_ASSIGN(const float beta_slow, keys.positive_or("rope.scaling.yarn_beta_slow", 1));
    SW_ASSIGN(const bool truncate, metadata.boolean_or(keys.name("rope.scaling.yarn_truncate"), true));
    rope.inv_freq =
        yarn_frequencies({base, factor, static_cast<double>(original), beta_fast, beta_slow, truncate}, powers);
    if (factor > 1) rope.magnitude *= static_cast<float>(0.1 * std::log(double{factor}) + 1);
  } else if (type == "none" || type == "linear" || type == "longrope") {
    const float divisor = type == "linear" ? factor : 1;
    for (const float power : powers) rope.inv_freq.push_back(1.0f / power / divisor);
  } else {
    return fail(fmt::format("metadata key '{}' is '{}'", keys.name("rope.scaling.type"), type), {},
                "none, linear, yarn or longrope");
  }
  return rope;
}

}  // namespace sw
