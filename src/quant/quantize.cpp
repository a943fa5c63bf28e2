#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "quant/blocks.hpp"
#include "quant/fit.hpp"
#include "quant/quant.hpp"
#include "quant/quantize_k.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

/// The largest weight that Q4_0, the narrowest of the formats, can hold: eight times the largest binary16.
constexpr float largest = 8 * 65504.0f;

float finite(float weight) {
  return std::isnan(weight) ? 0.0f : std::clamp(weight, -largest, largest);
}

/// Importance scaled to a mean of 1, with a floor that keeps every fit well-conditioned; all 1 when it says nothing.
template <std::size_t n>
void load_importance(const float* importance, float* w) {
  std::fill_n(w, n, 1.0f);
  if (!importance) return;
  const auto usable = [](float value) { return std::isfinite(value) && value > 0 ? static_cast<double>(value) : 0.0; };
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) total += usable(importance[i]);
  if (total == 0) return;
  for (std::size_t i = 0; i < n; ++i) w[i] = static_cast<float>(std::max(usable(importance[i]) * n / total, 1e-4));
}

/// Equal to ggml's quantize_row_q8_0_ref to the last bit; precise enough without importance.
BlockQ8_0 encode_q8_0(const float* x, const float*) {
  float peak = 0;
  for (std::size_t i = 0; i < small_block; ++i) peak = std::max(peak, std::abs(x[i]));
  const float d = peak / 127, inverse = d >= 0x1p-126f ? 1 / d : 0;
  BlockQ8_0 block{f32_to_f16(d), {}};
  for (std::size_t i = 0; i < small_block; ++i) block.qs[i] = static_cast<std::int8_t>(std::round(x[i] * inverse));
  return block;
}

/// Without importance, equal to ggml's quantize_row_q4_0_ref to the last bit: the weight farthest from zero becomes
/// level −8.
BlockQ4_0 encode_q4_0(const float* x, const float* w) {
  float d = 0;
  if (w) {
    d = fit::scale<small_block>(x, w, -8);
  } else {
    for (std::size_t i = 0; i < small_block; ++i)
      if (std::abs(x[i]) > std::abs(d)) d = x[i];
    d /= -8;
  }
  const float inverse = std::abs(d) >= 0x1p-126f ? 1 / d : 0;
  const auto level = [&](float value) { return static_cast<int>(std::clamp(value * inverse + 8.5f, 0.0f, 15.0f)); };
  BlockQ4_0 block{f32_to_f16(d), {}};
  for (std::size_t i = 0; i < 16; ++i) block.qs[i] = static_cast<std::uint8_t>(level(x[i]) | level(x[i + 16]) << 4);
  return block;
}

/// Low four bits of the levels into nibbles, the fifth ones into a word.
template <class Block>
void pack_five_bits(const std::array<std::uint32_t, small_block>& levels, Block& block) {
  std::uint32_t fifth = 0;
  for (std::size_t i = 0; i < small_block; ++i) fifth |= (levels[i] >> 4) << i;
  std::memcpy(block.qh, &fifth, sizeof fifth);
  for (std::size_t i = 0; i < 16; ++i)
    block.qs[i] = static_cast<std::uint8_t>((levels[i] & 15) | (levels[i + 16] & 15) << 4);
}

/// Without importance, equal to ggml's quantize_row_q5_0_ref to the last bit: the weight farthest from zero becomes
/// level −16.
BlockQ5_0 encode_q5_0(const float* x, const float* w) {
  float d = 0;
  if (w) {
    d = fit::scale<small_block>(x, w, -16);
  } else {
    for (std::size_t i = 0; i < small_block; ++i)
      if (std::abs(x[i]) > std::abs(d)) d = x[i];
    d /= -16;
  }
  const float inverse = std::abs(d) >= 0x1p-126f ? 1 / d : 0;
  BlockQ5_0 block{f32_to_f16(d), {}, {}};
  std::array<std::uint32_t, small_block> levels;
  for (std::size_t i = 0; i < small_block; ++i)
    levels[i] = static_cast<std::uint32_t>(std::clamp(x[i] * inverse + 16.5f, 0.0f, 31.0f));
  pack_five_bits(levels, block);
  return block;
}

/// Equal to ggml's quantize_row_q5_1_ref to the last bit where the smallest weight fits binary16; precise enough
/// without importance.
BlockQ5_1 encode_q5_1(const float* x, const float*) {
  const auto [low, high] = std::minmax_element(x, x + small_block);
  const float least = std::clamp(*low, -65504.0f, 65504.0f), d = (*high - least) / 31;
  const float inverse = d >= 0x1p-126f ? 1 / d : 0;
  BlockQ5_1 block{f32_to_f16(d), f32_to_f16(least), {}, {}};
  std::array<std::uint32_t, small_block> levels;
  for (std::size_t i = 0; i < small_block; ++i)
    levels[i] = static_cast<std::uint32_t>(std::clamp((x[i] - least) * inverse + 0.5f, 0.0f, 31.0f));
  pack_five_bits(levels, block);
  return block;
}

/// `needs_weights`: the encoder wants the weights of the error even where no importance is given.
template <std::size_t n, bool needs_weights, class Encode>
void encode_row(std::span<const float> row, std::byte* out, std::span<const float> importance, Encode encode) {
  alignas(16) std::array<float, n> x, w;
  load_importance<n>(nullptr, w.data());
  for (std::size_t i = 0; i < row.size(); i += n) {
    std::transform(row.begin() + i, row.begin() + i + n, x.begin(), finite);
    if (!importance.empty()) load_importance<n>(importance.data() + i, w.data());
    const auto block = encode(x.data(), needs_weights || !importance.empty() ? w.data() : nullptr);
    std::memcpy(out, &block, sizeof block);
    out += sizeof block;
  }
}

template <class Convert>
void convert_row(std::span<const float> row, std::byte* out, Convert convert) {
  for (const float x : row) {
    const auto stored = convert(x);
    std::memcpy(out, &stored, sizeof stored);
    out += sizeof stored;
  }
}

}  // namespace

bool can_quantize(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::f16:
    case DType::bf16:
    case DType::q8_0:
    case DType::q4_0:
    case DType::q5_0:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k:
    case DType::q6_k:
      return true;
    default:
      return false;
  }
}

void quantize(DType dtype, std::span<const float> row, std::byte* out, std::span<const float> importance) {
  switch (dtype) {
    case DType::f32:
      return convert_row(row, out, [](float x) { return x; });
    case DType::f16:
      return convert_row(row, out, f32_to_f16);
    case DType::bf16:
      return convert_row(row, out, f32_to_bf16);
    case DType::q8_0:
      return encode_row<small_block, false>(row, out, importance, encode_q8_0);
    case DType::q4_0:
      return encode_row<small_block, false>(row, out, importance, encode_q4_0);
    case DType::q5_0:
      return encode_row<small_block, false>(row, out, importance, encode_q5_0);
    case DType::q5_1:
      return encode_row<small_block, false>(row, out, importance, encode_q5_1);
    case DType::q4_k:
      return encode_row<super_block, true>(row, out, importance, encode_q4_k);
    case DType::q5_k:
      return encode_row<super_block, true>(row, out, importance, encode_q5_k);
    case DType::q6_k:
      return encode_row<super_block, true>(row, out, importance, encode_q6_k);
    default:
      return;
  }
}

}  // namespace sw
