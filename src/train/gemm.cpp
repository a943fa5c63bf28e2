#include "train/gemm.hpp"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "train/bf16_gemm.hpp"

/// From the OpenMP runtime that oneDNN computes on. Declared here because clang has no omp.h without its own runtime.
extern "C" void omp_set_num_threads(int);

namespace sw::train {
namespace {

/// Matrices and the memory that they are converted into.
struct Converted {
  std::vector<ConvertedMatrix> matrices;
  Bf16Buffer numbers;

  /// Equal matrices become one.
  void place(const Bf16Gemm& gemm, std::span<const Matrix> of, bool both_ways) {
    matrices.clear();
    std::int64_t total = 0, used = 0;
    for (const Matrix& matrix : of)
      if (std::ranges::find(matrices, matrix, &ConvertedMatrix::of) == matrices.end())
        matrices.push_back(gemm.place(matrix, both_ways, nullptr, total));
    Bf16* arena = numbers.at_least(total);
    for (ConvertedMatrix& matrix : matrices) matrix = gemm.place(matrix.of, both_ways, arena, used);
  }
};

}  // namespace

struct Gemm::Impl {
  std::unique_ptr<Bf16Gemm> bf16;  ///< null: fp32
  Converted parameters;            ///< in the order of their addresses
  Converted factors;

  /// The operand, with the parameter that it is a part of.
  Operand resolve(Operand operand) const {
    if (operand.converted) return operand;
    const auto& all = parameters.matrices;
    const auto after =
        std::ranges::upper_bound(all, operand.values, {}, [](const ConvertedMatrix& m) { return m.of.values; });
    if (after == all.begin()) return operand;
    const ConvertedMatrix& candidate = *(after - 1);
    if (operand.values < candidate.of.values + candidate.of.rows * candidate.of.cols) operand.converted = &candidate;
    return operand;
  }
};

Gemm::Gemm(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gemm::Gemm(Gemm&&) noexcept = default;
Gemm& Gemm::operator=(Gemm&&) noexcept = default;
Gemm::~Gemm() = default;

Result<Gemm> Gemm::create(Precision precision, int n_threads) {
  if (precision == Precision::fp32) return of(nullptr);
  if (auto pairs = make_pairs_gemm(n_threads)) return of(std::move(pairs));
  SW_ASSIGN(auto by_onednn, make_onednn_gemm(n_threads));
  return of(std::move(by_onednn));
}

Gemm Gemm::of(std::unique_ptr<Bf16Gemm> products) {
  auto impl = std::make_unique<Impl>();
  impl->bf16 = std::move(products);
  return Gemm(std::move(impl));
}

Precision Gemm::precision() const {
  return impl_->bf16 ? Precision::bf16 : Precision::fp32;
}

void Gemm::set_parameters(std::span<const Matrix> matrices, ThreadPool& pool) {
  if (!impl_->bf16) return;
  Converted& all = impl_->parameters;
  if (!std::ranges::equal(matrices, all.matrices, {}, {}, &ConvertedMatrix::of))
    all.place(*impl_->bf16, matrices, true);
  for (const ConvertedMatrix& matrix : all.matrices)
    pool.parallel_for((matrix.of.rows + converted_rows - 1) / converted_rows, 1,
                      [&](std::int64_t begin, std::int64_t end, int) {
                        const std::int64_t first = begin * converted_rows;
                        impl_->bf16->convert(matrix, first, std::min(end * converted_rows, matrix.of.rows) - first);
                      });
}

std::vector<Operand> Gemm::place(std::span<const Matrix> matrices) {
  std::vector<Operand> out;
  for (const Matrix& m : matrices) out.push_back({m.values, m.stride, false});
  if (!impl_->bf16) return out;
  Converted& all = impl_->factors;
  all.place(*impl_->bf16, matrices, false);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].converted = &*std::ranges::find(all.matrices, matrices[i], &ConvertedMatrix::of);
  return out;
}

void Gemm::convert(std::int64_t first, std::int64_t count) const {
  for (const ConvertedMatrix& matrix : impl_->factors.matrices) impl_->bf16->convert(matrix, first, count);
}

const AttentionKernels& Gemm::attention() const {
  return impl_->bf16 ? impl_->bf16->attention() : kernels().attention;
}

void Gemm::multiply(int thread, const Product& p) {
  if (impl_->bf16) {
    Product resolved = p;
    resolved.a = impl_->resolve(p.a);
    resolved.b = impl_->resolve(p.b);
    return impl_->bf16->multiply(thread, resolved);
  }
  omp_set_num_threads(1);  // of this thread's own products
  dnnl_sgemm(p.a.transposed ? 'T' : 'N', p.b.transposed ? 'T' : 'N', p.m, p.n, p.k, 1.0f, p.a.values, p.a.stride,
             p.b.values, p.b.stride, p.add ? 1.0f : 0.0f, p.c, p.c_stride);
}

}  // namespace sw::train
