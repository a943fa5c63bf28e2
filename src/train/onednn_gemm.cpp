#include <array>
#include <bit>
#include <compare>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "train/bf16_gemm.hpp"
#include "train/kernels.hpp"
#include "train/pass.hpp"

extern "C" void omp_set_num_threads(int);

namespace sw::train {
namespace {

/// What a product is compiled for.
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

/// What one thread needs to run products of its own.
struct Worker {
  std::map<Key, Compiled> compiled;
  std::vector<Bf16> a, b;
};

/// Rows are a whole number of cache lines apart.
std::int64_t padded(std::int64_t cols) {
  return (cols + 31) / 32 * 32;
}

class OnednnGemm final : public Bf16Gemm {
 public:
  explicit OnednnGemm(int n_threads) : workers_(static_cast<std::size_t>(n_threads)) {
    (void)compile({32, 32, 32, 32, 32, 32, false, false, true});
  }

  /// Row by row, whichever way sums run.
  ConvertedMatrix place(const Matrix& matrix, bool, Bf16* arena, std::int64_t& used) const override {
    Bf16* at = arena ? arena + used : nullptr;
    used += matrix.rows * padded(matrix.cols);
    return {matrix, at, at};
  }

  void convert(const ConvertedMatrix& matrix, std::int64_t first, std::int64_t count) const override {
    const Matrix& m = matrix.of;
    for (std::int64_t row = first; row < first + count; ++row)
      kernels().to_bf16(m.values + row * m.stride, m.cols, matrix.along + row * padded(m.cols));
  }

  /// Every size is compiled for, and a batch's last tile has any number of tokens: its 128 sizes would stay in memory
  /// for each product. So what is over a multiple of 128 is done in pieces of 64, 32, … 1.
  void multiply(int thread, const Product& p) override {
    omp_set_num_threads(1);  // of this thread's own products
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
        multiply_piece(workers_[static_cast<std::size_t>(thread)], part);
        k += part.k;
      }
      row += piece.m;
    }
  }

 private:
  Compiled compile(const Key& key) const {
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
    out.matmul = dnnl::matmul({{out.a, out.b, out.c}, attributes, engine_});
    return out;
  }

  /// The operand in BF16: a view into what was converted before, or a dense copy in `buffer`.
  const Bf16* converted(const Operand& operand, std::int64_t rows, std::int64_t cols, std::vector<Bf16>& buffer,
                        std::int64_t& stride) const {
    if (operand.converted) {
      const Matrix& of = operand.converted->of;
      const std::int64_t offset = operand.values - of.values;
      stride = padded(of.cols);
      return operand.converted->along + offset / of.stride * stride + offset % of.stride;
    }
    if (operand.transposed) std::swap(rows, cols);
    stride = padded(cols);
    buffer.resize(static_cast<std::size_t>(rows * stride));
    for (std::int64_t row = 0; row < rows; ++row)
      kernels().to_bf16(operand.values + row * operand.stride, cols, buffer.data() + row * stride);
    return buffer.data();
  }

  void multiply_piece(Worker& worker, const Product& p) {
    Key key{p.m, p.n, p.k, 0, 0, p.c_stride, p.a.transposed, p.b.transposed, p.add};
    const Bf16* a = converted(p.a, p.m, p.k, worker.a, key.a_stride);
    const Bf16* b = converted(p.b, p.k, p.n, worker.b, key.b_stride);
    auto it = worker.compiled.find(key);
    if (it == worker.compiled.end()) it = worker.compiled.emplace(key, compile(key)).first;
    const Compiled& compiled = it->second;
    compiled.matmul.execute(stream_, {{DNNL_ARG_SRC, {compiled.a, engine_, const_cast<Bf16*>(a)}},
                                      {DNNL_ARG_WEIGHTS, {compiled.b, engine_, const_cast<Bf16*>(b)}},
                                      {DNNL_ARG_DST, {compiled.c, engine_, p.c}}});
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<Worker> workers_;
};

}  // namespace

Result<std::unique_ptr<Bf16Gemm>> make_onednn_gemm(int n_threads) {
  try {
    return std::make_unique<OnednnGemm>(n_threads);
  } catch (const dnnl::error& error) {
    return fail(std::string("oneDNN cannot multiply in bf16 on this machine: ") + error.what(), {},
                "a CPU with AVX-512 for bf16", "Train with precision = \"fp32\"");
  }
}

}  // namespace sw::train
