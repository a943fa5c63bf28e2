#pragma once

#include <cstddef>
#include <cstdint>

#include "measure/probes.hpp"

// The loops of all probes, written once over the operations of an instruction set. Each file that includes this is
// compiled for another one; the unnamed namespace keeps their instances apart.

namespace sw {
namespace {

/// Enough independent sums to hide the latency of a multiply-add (4 cycles, or 6 of a pair of BF16, two a cycle),
/// and few enough for 16 registers.
constexpr int n_sums = 12;

/// acc = S::step(acc, a, b) for n_sums independent sums. S::hide makes the compiler forget what it knows of a register,
/// so that nothing is computed before the loop and no two sums are one.
template <class S>
void run_steps(std::int64_t iterations) {
  typename S::Register sums[n_sums], a = S::zero(), b = S::zero();
#pragma GCC unroll 12
  for (auto& sum : sums) {
    sum = S::zero();
    S::hide(sum);
  }
  S::hide(b);
  for (std::int64_t i = 0; i < iterations; ++i) {
    S::hide(a);
#pragma GCC unroll 12
    for (int k = 0; k < n_sums; ++k) sums[k] = S::step(sums[k], a, b);
  }
#pragma GCC unroll 12
  for (auto& sum : sums) S::hide(sum);
}

/// Eight registers at a time, each or-ed into a sum of its own.
template <class S>
void read_all(const std::byte* data, std::size_t bytes) {
  constexpr std::size_t width = sizeof(typename S::Register);
  typename S::Register sums[8];
#pragma GCC unroll 8
  for (auto& sum : sums) {
    sum = S::zero();
    S::hide(sum);
  }
  for (std::size_t at = 0; at < bytes; at += 8 * width) {
#pragma GCC unroll 8
    for (std::size_t k = 0; k < 8; ++k) sums[k] = S::either(sums[k], S::load(data + at + k * width));
  }
#pragma GCC unroll 8
  for (auto& sum : sums) S::hide(sum);
}

template <class S>
constexpr PeakProbe peak_probe(Arithmetic arithmetic, const char* instruction) {
  return {arithmetic, instruction, 2.0 * n_sums * S::products, run_steps<S>};
}

}  // namespace
}  // namespace sw
