#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "train/gemm.hpp"
#include "train/kernels.hpp"

namespace sw::train {

using Bf16 = std::uint16_t;

/// A matrix as BF16 products read it.
struct ConvertedMatrix {
  Matrix of;
  /// For sums that run along the rows, and down the columns. Null where it is not wanted; the same where the layout
  /// does not tell them apart.
  Bf16 *along = nullptr, *down = nullptr;
};

/// Numbers on cache lines, as many as were ever wanted.
class Bf16Buffer {
 public:
  Bf16* at_least(std::int64_t n) {
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(Bf16);
    if (bytes > memory_.size()) memory_ = Memory::allocate(bytes).value();
    return reinterpret_cast<Bf16*>(memory_.data());
  }

 private:
  Memory memory_;
};

/// How BF16 products are made.
class Bf16Gemm {
 public:
  virtual ~Bf16Gemm() = default;
  /// Lays the matrix out in `arena`; from a null one it only counts. `both_ways`: for sums along its rows too.
  virtual ConvertedMatrix place(const Matrix& matrix, bool both_ways, Bf16* arena, std::int64_t& used) const = 0;
  /// Rows [first, first + count); first is a multiple of converted_rows. Threads may convert different rows at once.
  virtual void convert(const ConvertedMatrix& matrix, std::int64_t first, std::int64_t count) const = 0;
  virtual void multiply(int thread, const Product& product) = 0;
  virtual const AttentionKernels& attention() const { return kernels().attention; }
};

/// By oneDNN, on whatever it has kernels for.
Result<std::unique_ptr<Bf16Gemm>> make_onednn_gemm(int n_threads);
/// By our own kernels; null where the CPU lacks AVX-512's dot products of BF16 pairs, or has AMX, of which oneDNN makes
/// better use.
std::unique_ptr<Bf16Gemm> make_pairs_gemm(int n_threads);

}  // namespace sw::train
