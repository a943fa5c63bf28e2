#include "train/kernels.hpp"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "train/tables.hpp"

namespace sw::train {

const Kernels* find_kernels(const char* isa) {
  const auto is = [&](const char* name) { return std::strcmp(isa, name) == 0; };
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The engine has further tables for their dot products of bytes and of BF16 pairs.
  if (is("avx512") || is("avx512_bf16"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? &avx512_kernels
               : nullptr;
  if (is("avx2") || is("avx_vnni"))
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2_kernels : nullptr;
#endif
  return is("reference") ? &reference_kernels : nullptr;
}

std::int64_t attention_scratch(int tokens, int head_dim) {
  constexpr std::int64_t tile = 64, widest_padding = 32;
  const std::int64_t tiles = (tokens + tile - 1) / tile;
  const std::int64_t d = (head_dim + widest_padding - 1) / widest_padding * widest_padding;
  constexpr std::int64_t line = 16, pieces = 12;
  return tiles * tile * (2 * head_dim + 3 * d) + 5 * tile * d + 4 * tile * tile + pieces * line;
}

std::int64_t scan_scratch(int state) {
  return std::int64_t{scan_chunk + 4} * state * scan_channels;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* wanted = std::getenv("SPEEDWINS_ISA");
    for (const char* isa : {wanted ? wanted : "avx512", "avx512", "avx2"})
      if (const Kernels* found = find_kernels(isa)) return *found;
    return reference_kernels;
  }();
  return chosen;
}

}  // namespace sw::train
