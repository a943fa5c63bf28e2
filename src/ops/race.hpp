// A draw from a softmax as a race, so that it can be screened.
//
// Where every row has a Gumbel number of its own, g = −log(−log u) with u uniform in (0, 1), the row with the largest
// z + g is row i with probability exp(z_i) / Σ exp(z) (Gumbel 1954), whichever rows take part: no sum over them is needed.
// A row of which only an upper bound of z is known cannot win once that plus its g is below what another one reached
// (Maddison, Tarlow & Minka 2014, "A* Sampling"). The numbers are functions of (seed, n, row), so that rows can be looked
// at in any order and by any thread.
#pragma once

#include <cstdint>

namespace sw {

class Race {
 public:
  /// The n-th race of a seed, of logits divided by `temperature`.
  Race(std::uint64_t seed, std::uint64_t n, float temperature);

  /// Whoever has the most wins.
  double score(float logit, std::uint32_t row) const;

  /// At least score(logit, row), but for what slack() allows: g ≤ −log v with v = 1 − u, since −log(1 − v) ≥ v; and log2 of
  /// a float is at least what its bits say when its fraction is taken for a logarithm. A few operations, the same in all
  /// lanes; inlined always, since each caller may be compiled for another processor.
  [[gnu::always_inline]] float bound(float logit, std::uint32_t row) const {
    const auto bits = __builtin_bit_cast(std::int32_t, static_cast<float>(static_cast<std::int32_t>(leading(row) >> 8)));
    return logit * inverse_ + (104.666f - static_cast<float>(bits) * 8.2629582e-8f);  // 24 + 127 − bits · 2⁻²³, in nats
  }

  /// How far rounding can take a bound, or a score as a float, from where it should be when they are near to `score`.
  [[gnu::always_inline]] static float slack(float score) { return (__builtin_fabsf(score) + 128) * 1e-6f; }

 private:
  /// The first 32 bits of v: multiplications of 32 bits are quick in all lanes. ("lowbias32", which C. Wellons' hash
  /// prospector found, with a second key between its multiplications.)
  [[gnu::always_inline]] std::uint32_t leading(std::uint32_t row) const {
    std::uint32_t x = row + static_cast<std::uint32_t>(key_);
    x = ((x ^ x >> 16) * 0x7feb352du) ^ static_cast<std::uint32_t>(key_ >> 32);
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
  }

  float temperature_, inverse_;
  std::uint64_t key_;
};

}  // namespace sw
