#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/thread_pool.hpp"

namespace sw::train {

/// What matrices are multiplied in. Sums are fp32 in both.
enum class Precision : std::uint8_t { fp32, bf16 };

/// A row-major matrix in memory.
struct Matrix {
  const float* values = nullptr;
  std::int64_t stride = 0;  ///< between rows
  std::int64_t rows = 0, cols = 0;

  bool operator==(const Matrix&) const = default;
};

/// Rows that are converted together.
inline constexpr std::int64_t converted_rows = 64;

struct AttentionKernels;
struct ConvertedMatrix;
class Bf16Gemm;

/// A row-major matrix in memory, or its transpose.
struct Operand {
  const float* values = nullptr;
  std::int64_t stride = 0;  ///< between stored rows
  bool transposed = false;
  /// What it is a part of, as Gemm::convert() keeps it.
  const ConvertedMatrix* converted = nullptr;

  Operand from_row(std::int64_t row) const { return transposed ? from(0, row) : from(row, 0); }
  Operand from_column(std::int64_t column) const { return transposed ? from(column, 0) : from(0, column); }
  Operand transpose() const { return {values, stride, !transposed, converted}; }

 private:
  Operand from(std::int64_t row, std::int64_t column) const {
    return {values + row * stride + column, stride, transposed, converted};
  }
};

/// c [m, n] = a [m, k] · b [k, n], added to c where `add`.
struct Product {
  Operand a, b;
  float* c = nullptr;
  std::int64_t c_stride = 0;
  std::int64_t m = 0, n = 0, k = 0;
  bool add = false;
};

/// Dense products, each on the thread that asks. Callers cut work into pieces of fixed size, so that results do not
/// depend on the number of threads. fp32 is oneDNN's. BF16 is our own where the CPU multiplies pairs of them, and
/// oneDNN's elsewhere; it converts its operands on the way, except parameters, of which it keeps a converted copy, and
/// what was converted before.
///
/// Why oneDNN: on one Zen 4 core, over the shapes of 5M and 30M models, its sgemm reached 95–108 GFLOP/s and OpenBLAS
/// 0.3.21 76–98.
class Gemm {
 public:
  /// Fails where the machine has no BF16 products.
  static Result<Gemm> create(Precision precision, int n_threads);
  /// In BF16, by one of the ways of bf16_gemm.hpp.
  static Gemm of(std::unique_ptr<Bf16Gemm> products);
  Gemm(Gemm&&) noexcept;
  Gemm& operator=(Gemm&&) noexcept;
  ~Gemm();

  Precision precision() const;
  /// The matrices among the parameters, dense; must be called again whenever they have changed.
  void set_parameters(std::span<const Matrix> matrices, ThreadPool& pool);
  /// Room for matrices whose rows many products sum over, to be converted once; equal ones share theirs. What is
  /// returned is good until the next call. fp32 has nothing to convert.
  std::vector<Operand> place(std::span<const Matrix> matrices);
  /// Converts rows [first, first + count) of what was placed last; first is a multiple of converted_rows. Threads may
  /// convert different rows at once.
  void convert(std::int64_t first, std::int64_t count) const;
  void multiply(int thread, const Product& product);
  /// Attention with products of this precision, where there is one.
  const AttentionKernels& attention() const;

 private:
  struct Impl;
  explicit Gemm(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::train
