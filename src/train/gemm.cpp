#include "train/gemm.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "train/kernels.hpp"
#include "train/pass.hpp"

/// From the OpenMP runtime that oneDNN computes on. Declared here because clang has no omp.h without its own runtime.
extern "C" void omp_set_num_threads(int);

namespace sw::train {
namespace {

using Bf16 = std::uint16_t;

/// What a BF16 product is compiled for.
struct Key {
  std::int64_t m, n, k, a_stride, b_stride, c_stride;
  bool a_transposed, b_transposed, add;
  auto operator<=>(const Key&) const = default;
};

dnnl::memory::desc describe(std::int64_t rows, std::int64_t cols, dnnl::memory::data_type type, std::int64_t stride,
                            bool transposed) {
  return {{rows, cols}, type, transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1}};
}

struct Compiled {
  dnnl::matmul matmul;
  dnnl::memory::desc a, b, c;
};

Compiled compile(const Key& key, const dnnl::engine& engine) {
  using Type = dnnl::memory::data_type;
  Compiled out{{},
               describe(key.m, key.k, Type::bf16, key.a_stride, key.a_transposed),
               describe(key.k, key.n, Type::bf16, key.b_stride, key.b_transposed),
               describe(key.m, key.n, Type::f32, key.c_stride, false)};
  dnnl::primitive_attr attributes;
  if (key.add) {
    dnnl::post_ops sum;
    sum.append_sum(1);
    attributes.set_post_ops(sum);
  }
  out.matmul = dnnl::matmul({{out.a, out.b, out.c}, attributes, engine});
  return out;
}

/// What one thread needs to run products of its own.
struct Worker {
  std::map<Key, Compiled> compiled;
  std::vector<Bf16> a, b;
};

/// Rows are a whole number of cache lines apart.
std::int64_t padded(std::int64_t cols) {
  return (cols + 31) / 32 * 32;
}

}  // namespace

struct Gemm::Impl {
  Precision precision = Precision::fp32;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<Worker> workers;
  const float* parameters = nullptr;
  std::vector<Bf16> parameters_bf16;
  std::vector<Bf16> converted;

  /// The operand in BF16: a view into the converted parameters, or a dense copy in `buffer`.
  const Bf16* convert(const Operand& operand, std::int64_t rows, std::int64_t cols, std::vector<Bf16>& buffer,
                      std::int64_t& stride) const {
    if (operand.bf16) {
      stride = operand.bf16_stride;
      return operand.bf16;
    }
    const std::ptrdiff_t offset = operand.values - parameters;
    stride = operand.stride;
    if (parameters && offset >= 0 && offset < static_cast<std::ptrdiff_t>(parameters_bf16.size()))
      return parameters_bf16.data() + offset;
    if (operand.transposed) std::swap(rows, cols);
    stride = padded(cols);
    buffer.resize(static_cast<std::size_t>(rows * stride));
    for (std::int64_t row = 0; row < rows; ++row)
      kernels().to_bf16(operand.values + row * operand.stride, cols, buffer.data() + row * stride);
    return buffer.data();
  }

  /// Every size is compiled for, and a batch's last tile has any number of tokens: its 128 sizes would stay in memory
  /// for each product. So what is over a multiple of 128 is done in pieces of 64, 32, … 1.
  void multiply_in_pieces(Worker& worker, const Product& p) {
    const auto first = [](std::int64_t size) {
      return size >= tile_tokens ? size / tile_tokens * tile_tokens
                                 : static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size)));
    };
    for (std::int64_t row = 0; row < p.m;) {
      Product piece = p;
      piece.a = p.a.from_row(row);
      piece.c = p.c + row * p.c_stride;
      piece.m = first(p.m - row);
      for (std::int64_t k = 0; k < p.k;) {
        Product part = piece;
        part.a = piece.a.from_column(k);
        part.b = p.b.from_row(k);
        part.k = first(p.k - k);
        part.add = p.add || k > 0;
        multiply_bf16(worker, part);
        k += part.k;
      }
      row += piece.m;
    }
  }

  void multiply_bf16(Worker& worker, const Product& p) {
    Key key{p.m, p.n, p.k, 0, 0, p.c_stride, p.a.transposed, p.b.transposed, p.add};
    const Bf16* a = convert(p.a, p.m, p.k, worker.a, key.a_stride);
    const Bf16* b = convert(p.b, p.k, p.n, worker.b, key.b_stride);
    auto it = worker.compiled.find(key);
    if (it == worker.compiled.end()) it = worker.compiled.emplace(key, compile(key, engine)).first;
    const Compiled& compiled = it->second;
    compiled.matmul.execute(stream, {{DNNL_ARG_SRC, {compiled.a, engine, const_cast<Bf16*>(a)}},
                                     {DNNL_ARG_WEIGHTS, {compiled.b, engine, const_cast<Bf16*>(b)}},
                                     {DNNL_ARG_DST, {compiled.c, engine, p.c}}});
  }
};

Gemm::Gemm(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gemm::Gemm(Gemm&&) noexcept = default;
Gemm& Gemm::operator=(Gemm&&) noexcept = default;
Gemm::~Gemm() = default;

Result<Gemm> Gemm::create(Precision precision, int n_threads) {
  try {
    auto impl = std::make_unique<Impl>();
    impl->precision = precision;
    impl->workers.resize(static_cast<std::size_t>(n_threads));
    if (precision == Precision::bf16) (void)compile({32, 32, 32, 32, 32, 32, false, false, true}, impl->engine);
    return Gemm(std::move(impl));
  } catch (const dnnl::error& error) {
    return fail(std::string("oneDNN cannot multiply in ") + (precision == Precision::bf16 ? "bf16" : "fp32") +
                    " on this machine: " + error.what(),
                {}, "a CPU with AVX-512 for bf16", "Train with precision = \"fp32\"");
  }
}

Precision Gemm::precision() const {
  return impl_->precision;
}

void Gemm::set_parameters(const float* values, std::int64_t n, ThreadPool& pool) {
  if (impl_->precision == Precision::fp32) return;
  impl_->parameters = values;
  impl_->parameters_bf16.resize(static_cast<std::size_t>(n));
  pool.parallel_for(n, 65536, [&](std::int64_t begin, std::int64_t end, int) {
    kernels().to_bf16(values + begin, end - begin, impl_->parameters_bf16.data() + begin);
  });
}

std::vector<Operand> Gemm::convert(std::span<const Matrix> matrices, ThreadPool& pool) {
  std::vector<Operand> out;
  for (const Matrix& m : matrices) out.push_back({m.values, m.stride, false});
  if (impl_->precision == Precision::fp32) return out;
  const auto same_as_before = [&](std::size_t i) {
    return static_cast<std::size_t>(std::ranges::find(matrices.first(i), matrices[i]) - matrices.begin());
  };
  std::vector<std::int64_t> places;
  std::int64_t used = 0;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const std::size_t before = same_as_before(i);
    places.push_back(before < i ? places[before] : used);
    if (before == i) used += matrices[i].rows * padded(matrices[i].cols);
  }
  if (impl_->converted.size() < static_cast<std::size_t>(used)) impl_->converted.resize(static_cast<std::size_t>(used));
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const Matrix& m = matrices[i];
    Bf16* to = impl_->converted.data() + places[i];
    out[i].bf16 = to;
    out[i].bf16_stride = padded(m.cols);
    if (same_as_before(i) < i) continue;
    pool.parallel_for(m.rows, 64, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t row = begin; row < end; ++row)
        kernels().to_bf16(m.values + row * m.stride, m.cols, to + row * padded(m.cols));
    });
  }
  return out;
}

void Gemm::multiply(int thread, const Product& p) {
  omp_set_num_threads(1);  // of this thread's own products
  if (impl_->precision == Precision::bf16)
    return impl_->multiply_in_pieces(impl_->workers[static_cast<std::size_t>(thread)], p);
  dnnl_sgemm(p.a.transposed ? 'T' : 'N', p.b.transposed ? 'T' : 'N', p.m, p.n, p.k, 1.0f, p.a.values, p.a.stride,
             p.b.values, p.b.stride, p.add ? 1.0f : 0.0f, p.c, p.c_stride);
}

}  // namespace sw::train
