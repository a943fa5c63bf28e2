#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "train/bf16_gemm.hpp"
#include "train/kernels.hpp"
#include "train/pair_kernels.hpp"

namespace sw::train {
namespace {

/// Of the sums, so many numbers at a time: what they read of both factors stays in the second cache.
constexpr std::int64_t block = 1024;

std::int64_t panels_of(std::int64_t n) {
  return (n + panel_width - 1) / panel_width;
}
std::int64_t pairs_of(std::int64_t n) {
  return (n + 1) / 2;
}

/// Panels of one factor, and how far they are apart.
struct Panels {
  const Bf16* at;
  std::int64_t panel;
};

struct Worker {
  Bf16Buffer a, b;
};

class PairsGemm final : public Bf16Gemm {
 public:
  PairsGemm(const PairKernels& kernels, int n_threads)
      : kernels_(kernels), workers_(static_cast<std::size_t>(n_threads)) {}

  ConvertedMatrix place(const Matrix& matrix, bool both_ways, Bf16* arena, std::int64_t& used) const override {
    ConvertedMatrix out{matrix};
    const auto take = [&](std::int64_t panels, std::int64_t pairs) {
      Bf16* at = arena ? arena + used : nullptr;
      used += panels * pairs * panel_pair;
      return at;
    };
    out.down = take(panels_of(matrix.cols), pairs_of(matrix.rows));
    if (both_ways) out.along = take(panels_of(matrix.rows), pairs_of(matrix.cols));
    return out;
  }

  /// Some rows at a time: their ends are in few pages, and panels get whole lines of them.
  void convert(const ConvertedMatrix& matrix, std::int64_t first, std::int64_t count) const override {
    const Matrix& m = matrix.of;
    for (const std::int64_t end = first + count; first < end; first += converted_rows) {
      const Matrix part{m.values + first * m.stride, m.stride, std::min(converted_rows, end - first), m.cols};
      kernels_.pack_down_past_cache(part.values, part.stride, part.rows, part.cols,
                                    matrix.down + first / 2 * panel_pair, pairs_of(m.rows) * panel_pair);
      if (matrix.along) pack_along(part, matrix.along + first / panel_width * pairs_of(m.cols) * panel_pair);
    }
  }

  void multiply(int thread, const Product& p) override {
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    const Panels b = panels(p.b.transpose(), p.n, p.k, worker.b);
    const Panels a = p.a.transposed ? panels(p.a, p.m, p.k, worker.a) : Panels{};
    for (std::int64_t first = 0; first < p.k; first += block) {
      const std::int64_t count = std::min(block, p.k - first), at = first / 2 * panel_pair;
      PairProduct part{.a = a.at + at,
                       .a_row = 2,
                       .a_pair = panel_pair,
                       .a_panel = a.panel,
                       .b = b.at + at,
                       .b_panel = b.panel,
                       .c = p.c,
                       .c_stride = p.c_stride,
                       .m = p.m,
                       .n = p.n,
                       .pairs = pairs_of(count),
                       .add = p.add || first > 0};
      if (!p.a.transposed) {
        // Rows in the same sets of the first cache would throw each other out.
        const std::int64_t stride = (count + 31) / 32 * 32 + 32;
        Bf16* rows = worker.a.at_least(p.m * stride);
        kernels_.to_rows(p.a.values + first, p.a.stride, p.m, count, rows, stride);
        part.a = rows;
        part.a_row = stride;
        part.a_pair = 2;
        part.a_panel = panel_width * stride;
      }
      kernels_.multiply(part);
    }
  }

  const AttentionKernels& attention() const override { return kernels_.attention; }

 private:
  void pack_along(const Matrix& m, Bf16* to) const {
    for (std::int64_t row = 0; row < m.rows; row += panel_width, to += pairs_of(m.cols) * panel_pair)
      kernels_.pack_along(m.values + row * m.stride, m.stride, std::min(panel_width, m.rows - row), m.cols, to);
  }

  /// The `n` rows of an operand [n, k]: from what was converted before where its panels and pairs begin and end with
  /// the operand's, or packed into `buffer`.
  Panels panels(const Operand& operand, std::int64_t n, std::int64_t k, Bf16Buffer& buffer) const {
    if (operand.converted) {
      const Matrix& of = operand.converted->of;
      const std::int64_t offset = operand.values - of.values, row = offset / of.stride, col = offset % of.stride;
      const std::int64_t across = operand.transposed ? col : row, along = operand.transposed ? row : col;
      const std::int64_t length = operand.transposed ? of.rows : of.cols;
      const Bf16* from = operand.transposed ? operand.converted->down : operand.converted->along;
      const bool fits = across % panel_width == 0 && along % 2 == 0 && (k % 2 == 0 || along + k == length);
      const std::int64_t panel = pairs_of(length) * panel_pair;
      if (from && fits) return {from + across / panel_width * panel + along / 2 * panel_pair, panel};
    }
    const std::int64_t panel = pairs_of(k) * panel_pair;
    Bf16* to = buffer.at_least(panels_of(n) * panel);
    if (operand.transposed)
      kernels_.pack_down(operand.values, operand.stride, k, n, to, panel);
    else
      pack_along({operand.values, operand.stride, n, k}, to);
    return {to, panel};
  }

  const PairKernels& kernels_;
  std::vector<Worker> workers_;
};

const PairKernels* find_pair_kernels() {
#if defined(__x86_64__)
  // Clang 16 has no name for AMX-BF16: leaf 7, bit 22 of edx.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool amx = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 22 & 1) != 0;
  if (std::strcmp(kernels().isa, "avx512") == 0 && __builtin_cpu_supports("avx512bf16") && !amx)
    return &avx512_pair_kernels;
#endif
  return nullptr;
}

}  // namespace

std::unique_ptr<Bf16Gemm> make_pairs_gemm(int n_threads) {
  const PairKernels* kernels = find_pair_kernels();
  return kernels ? std::make_unique<PairsGemm>(*kernels, n_threads) : nullptr;
}

}  // namespace sw::train
