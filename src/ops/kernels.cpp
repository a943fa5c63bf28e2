#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/cpu.hpp"
#include "ops/tables.hpp"
#include "tensor/half.hpp"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace sw {
namespace {

std::vector<const Kernels*> detect() {
  std::vector<const Kernels*> found = {&reference_kernels};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c()) return found;
  found.push_back(&avx2_kernels);
  if (has_avx_vnni()) found.push_back(&avx_vnni_kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) {
    found.push_back(&avx512_kernels);
    if (__builtin_cpu_supports("avx512bf16")) found.push_back(&avx512_bf16_kernels);
  }
#elif defined(__aarch64__)
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) {
    found.push_back(&neon_kernels);
    if (getauxval(AT_HWCAP2) & HWCAP2_I8MM) found.push_back(&neon_i8mm_kernels);
  }
#endif
  return found;
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> found = detect();
  return found;
}

const Kernels* find_kernels(std::string_view isa) {
  for (const Kernels* k : available_kernels())
    if (k->isa == isa) return k;
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* wanted = std::getenv("SPEEDWINS_ISA");
    const Kernels* named = wanted ? find_kernels(wanted) : nullptr;
    return named ? *named : *available_kernels().back();
  }();
  return chosen;
}

ActivationForms forms_for(Packing packing) {
  switch (packing) {
    case Packing::f32:
    case Packing::f16:
    case Packing::bf16:
      return {.f32 = true};
    case Packing::bf16_pairs:
      return {.bf16 = true};
    case Packing::bf16_split:
      return {.bf16 = true, .q8 = true};  // rows and sketch
    case Packing::q4_k:
    case Packing::q5_k:
      return {.q8 = true, .sums = true};
    case Packing::q6_k:
    case Packing::affine8:
      return {.q8 = true, .halves = true};
    default:
      return {.q8 = true};
  }
}

float screening_length(const Activations& x) {
  double square = 0;
  for (std::int64_t from = 0; from < x.cols; from += activation_group) {
    std::int64_t group = 0;
    for (std::int64_t k = from; k < std::min(from + activation_group, x.cols); ++k)
      group += std::int64_t{x.q8[k]} * x.q8[k];
    const double scale = x.scales[from / activation_group];
    square += scale * scale * static_cast<double>(group);
  }
  return static_cast<float>(std::sqrt(square) * (1 + 1e-6));
}

/// Products with rows in BF16 are sums of cols terms in fp32, and those with the sketch of cols / 32: each within
/// (cols + 4)·2⁻²⁴ of its length times the activations' of its real value to first order. Four times that covers
/// higher orders and the comparison; a tiny number, what dot products take for zero.
float screening_distance(const Activations& x) {
  double square = 0, length = 0;
  for (std::int64_t k = 0; k < x.cols; ++k) {
    const double exact = bf16_to_f32(x.bf16[k]), rough = static_cast<double>(x.scales[k / activation_group]) * x.q8[k];
    square += (exact - rough) * (exact - rough);
    length += exact * exact + rough * rough;
  }
  const double rounding = 4 * static_cast<double>(x.cols + 4) * 0x1p-24 * std::sqrt(length);
  return static_cast<float>((std::sqrt(square) + rounding) * (1 + 1e-6) + 1e-30);
}

std::size_t matmul_scratch_bytes(std::int64_t cols) {
  // Two panels: as bytes with up to two fp32 factors for every 16 columns of every row, or as pairs of BF16.
  const auto k = static_cast<std::size_t>(cols);
  return 2 * std::max(k * panel_rows + 2 * (k / 16) * panel_rows * sizeof(float), (k + 1) * panel_rows * 2);
}

std::size_t attention_scratch(int group, int head_dim) {
  const auto rows = static_cast<std::size_t>(attention_tile * group);
  const auto dims = static_cast<std::size_t>(head_dim + kv_group);
  // For each row: scores, weight sum, two value sums, maxima, and the query and the weights as BF16.
  return rows * (kv_block + 16 + 2 * dims + 8 + dims / 2 + kv_block / 2) + 16 * 16;
}

}  // namespace sw
