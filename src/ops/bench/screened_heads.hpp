// Heads and hidden states of different kinds, to be screened.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw::bench {

inline constexpr std::int64_t rows = 32768, cols = 1024;

enum class Kind {
  gaussian,  ///< independent weights and states: synth's
  spectrum,  ///< singular values fall as 1/√i, as those of trained heads roughly do; states as before
  trained,   ///< such a head, and states that lean towards one row: a next token with probability 1/2 or more
};

/// x = x · H for each stretch of 1,024: mixes all columns, keeps lengths (Walsh & Hadamard).
inline void rotate(float* x) {
  for (std::int64_t half = 1; half < cols; half *= 2)
    for (std::int64_t i = 0; i < cols; i += 2 * half)
      for (std::int64_t j = i; j < i + half; ++j) {
        const float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
  for (std::int64_t i = 0; i < cols; ++i) x[i] /= std::sqrt(static_cast<float>(cols));
}

struct Head {
  std::vector<float> weights;  ///< [rows, cols]
  std::vector<std::byte> panels;
  PackedMatrix packed;

  Head(bool spectrum, Packing packing)
      : weights(rows * cols), packed{packing, rows, cols, nullptr, panel_layout(packing, cols)} {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (std::int64_t r = 0; r < rows; ++r) {
      float* row = &weights[static_cast<std::size_t>(r * cols)];
      for (std::int64_t c = 0; c < cols; ++c)
        row[c] = 0.1f * normal(random) / (spectrum ? std::sqrt(static_cast<float>(c + 1)) : 1);
      if (spectrum) rotate(row);
    }
    panels.resize(packed.bytes() + 64);
    packed.data = panels.data() + (64 - reinterpret_cast<std::uintptr_t>(panels.data()) % 64) % 64;
    const bool quantized = packing == Packing::q8_split;
    constexpr std::int64_t largest = cols * 2;  // bytes of a row
    std::vector<std::byte> stored(panel_rows * largest);
    for (std::int64_t p = 0; p < packed.panels(); ++p) {
      const std::byte* sources[panel_rows];
      for (int i = 0; i < panel_rows; ++i) {
        std::byte* at = &stored[static_cast<std::size_t>(i * largest)];
        sources[i] = at;
        const float* from = &weights[static_cast<std::size_t>((p * panel_rows + i) * cols)];
        quantized ? store_q8_0(from, at) : store_bf16(from, at);
      }
      kernels().pack(quantized ? DType::q8_0 : DType::bf16, sources, packed, p);
    }
  }

  static void store_bf16(const float* from, std::byte* at) {
    for (std::int64_t c = 0; c < cols; ++c) {
      const std::uint16_t bits = f32_to_bf16(from[c]);
      std::memcpy(at + 2 * c, &bits, 2);
    }
  }

  static void store_q8_0(const float* from, std::byte* at) {
    for (std::int64_t b = 0; b < cols / 32; ++b, at += 34, from += 32) {
      float most = 0;
      for (int c = 0; c < 32; ++c) most = std::max(most, std::fabs(from[c]));
      const std::uint16_t scale = f32_to_f16(most / 127);
      std::memcpy(at, &scale, 2);
      for (int c = 0; c < 32; ++c)
        at[2 + c] = std::bit_cast<std::byte>(static_cast<std::int8_t>(std::lround(from[c] * 127 / most)));
    }
  }
};

inline constexpr int n_states = 16;

/// States [n_states][cols] of that kind.
inline std::vector<std::vector<float>> hidden_states(const Head& head, Kind kind) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> states(n_states, std::vector<float>(cols));
  for (auto& x : states) {
    for (std::int64_t c = 0; c < cols; ++c)
      x[static_cast<std::size_t>(c)] =
          normal(random) / (kind == Kind::gaussian ? 1 : std::sqrt(static_cast<float>(c + 1)));
    if (kind != Kind::gaussian) rotate(x.data());
    if (kind != Kind::trained) continue;
    const float* row = &head.weights[static_cast<std::size_t>(random() % rows) * cols];
    const auto length = [](const float* v) {
      double square = 0;
      for (std::int64_t c = 0; c < cols; ++c) square += double{v[c]} * v[c];
      return static_cast<float>(std::sqrt(square));
    };
    const float lean = length(x.data()) / length(row);
    for (std::int64_t c = 0; c < cols; ++c) x[static_cast<std::size_t>(c)] += lean * row[c];
  }

  return states;
}

}  // namespace sw::bench
