#include "train/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "train/gemm.hpp"
#include "train/kernels.hpp"

namespace sw::train {
namespace {

constexpr std::int64_t run = 16384;  ///< numbers that one thread takes at a time

float* floats(const Memory& memory) {
  return reinterpret_cast<float*>(memory.data());
}

/// c [m, n] = a·b, in pieces of fixed size.
void multiply(Gemm& gemm, ThreadPool& pool, const Operand& a, const Operand& b, float* c, std::int64_t m,
              std::int64_t n, std::int64_t k) {
  constexpr std::int64_t rows = 128, cols = 256;
  const std::int64_t down = (m + rows - 1) / rows, across = (n + cols - 1) / cols;
  pool.parallel_for(down * across, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const std::int64_t row = piece / across * rows, col = piece % across * cols;
      Operand left = a, right = b;
      left.values += row * (a.transposed ? 1 : a.stride);
      right.values += col * (b.transposed ? b.stride : 1);
      gemm.multiply(thread, {.a = left,
                             .b = right,
                             .c = c + row * n + col,
                             .c_stride = n,
                             .m = std::min(rows, m - row),
                             .n = std::min(cols, n - col),
                             .k = k});
    }
  });
}

}  // namespace

void orthogonalize(std::span<float> u, std::int64_t rows, std::int64_t cols, ThreadPool& pool,
                   std::vector<float>& work) {
  constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;  // Jordan et al. 2024
  const Kernels& ops = kernels();
  const std::int64_t n = rows * cols, small = std::min(rows, cols), square = small * small;
  const float norm = static_cast<float>(std::sqrt(ops.sum_squares(u.data(), n)));
  ops.scale(1 / std::max(norm, 1e-7f), n, u.data());
  work.resize(static_cast<std::size_t>(2 * square + n));
  float *gram = work.data(), *powers = gram + square, *next = powers + square;
  Gemm gemm = Gemm::create(Precision::fp32, pool.size()).value();
  const bool tall = rows > cols;  // the gram matrix is of the shorter side
  const Operand x{u.data(), cols, false}, x_transposed{u.data(), cols, true};
  for (int step = 0; step < 5; ++step) {
    // u ← a·u + (b·g + c·g²)·u with g = u·uᵀ, or the same from the other side
    multiply(gemm, pool, tall ? x_transposed : x, tall ? x : x_transposed, gram, small, small, std::max(rows, cols));
    const Operand g{gram, small, false};
    multiply(gemm, pool, g, g, powers, small, small, small);
    ops.scale(c, square, powers);
    ops.scale_add(gram, b, square, powers);
    const Operand p{powers, small, false};
    multiply(gemm, pool, tall ? x : p, tall ? p : x, next, rows, cols, small);
    ops.scale(a, n, u.data());
    ops.add(next, n, u.data());
  }
}

Result<Optimizer> Optimizer::create(const Parameters& parameters, const OptimizerOptions& options, ThreadPool& pool) {
  Optimizer out(parameters, options, pool);
  const std::size_t bytes = static_cast<std::size_t>(parameters.size()) * sizeof(float);
  SW_ASSIGN(out.first_, Memory::allocate(bytes));
  SW_ASSIGN(out.second_, Memory::allocate(bytes));
  return out;
}

bool Optimizer::is_orthogonalized(const Parameter& p) const {
  return options_.kind == OptimizerKind::muon && p.is_matrix() &&
         (p.role == TensorRole::mixer || p.role == TensorRole::ffn) && !p.name.ends_with("conv1d.weight");
}

void Optimizer::update(float rate, std::int64_t step) {
  for (const Parameter& p : parameters_->list())
    if (is_orthogonalized(p))
      update_muon(p, rate);
    else
      update_adamw(p, rate, step);
}

void Optimizer::update_adamw(const Parameter& p, float rate, std::int64_t step) {
  const auto t = static_cast<double>(step);
  const bool decays = p.is_matrix() && p.role != TensorRole::embedding;
  const AdamW options{.rate = rate,
                      .beta1 = options_.beta1,
                      .beta2 = options_.beta2,
                      .epsilon = options_.epsilon,
                      .decay = decays ? options_.weight_decay : 0,
                      .correction1 = static_cast<float>(1 - std::pow(double{options_.beta1}, t)),
                      .correction2 = static_cast<float>(1 - std::pow(double{options_.beta2}, t))};
  float* values = parameters_->values(p).data();
  const float* gradients = parameters_->gradients(p).data();
  float *m = floats(first_) + p.offset, *v = floats(second_) + p.offset;
  pool_->parallel_for((p.size + run - 1) / run, 1, [&](std::int64_t begin, std::int64_t end, int) {
    const std::int64_t from = begin * run, n = std::min(end * run, p.size) - from;
    kernels().adamw(options, gradients + from, n, m + from, v + from, values + from);
  });
}

/// The update has the root mean square that AdamW's has, 0.2 (Liu et al. 2025, "Muon is scalable"), so that one rate
/// serves both.
void Optimizer::update_muon(const Parameter& p, float rate) {
  const Kernels& ops = kernels();
  float* momentum = floats(first_) + p.offset;
  const std::span<float> gradient = parameters_->gradients(p), values = parameters_->values(p);
  ops.blend(gradient.data(), 1 - options_.momentum, p.size, momentum);
  ops.blend(momentum, options_.momentum, p.size, gradient.data());
  orthogonalize(gradient, p.shape[0], p.shape[1], *pool_, work_);
  const float size = 0.2f * std::sqrt(static_cast<float>(std::max(p.shape[0], p.shape[1])));
  ops.scale(1 - rate * options_.weight_decay, p.size, values.data());
  ops.scale_add(gradient.data(), -rate * size, p.size, values.data());
}

std::vector<std::pair<std::string, std::span<float>>> Optimizer::state() const {
  const auto n = static_cast<std::size_t>(parameters_->size());
  return {{"first", {floats(first_), n}}, {"second", {floats(second_), n}}};
}

GradientNorm gradient_norm(const Parameters& parameters, ThreadPool& pool) {
  const std::vector<Parameter>& list = parameters.list();
  std::vector<double> squares(list.size());
  pool.parallel_for(static_cast<std::int64_t>(list.size()), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Parameter& p = list[static_cast<std::size_t>(i)];
      squares[static_cast<std::size_t>(i)] = kernels().sum_squares(parameters.gradients(p).data(), p.size);
    }
  });
  GradientNorm out;
  double sum = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    sum += squares[i];
    if (!std::isfinite(squares[i]) && out.not_finite.empty()) out.not_finite = list[i].name;
  }
  out.norm = std::sqrt(sum);
  return out;
}

void scale_gradients(const Parameters& parameters, float factor, ThreadPool& pool) {
  float* gradients = parameters.gradients().data();
  const std::int64_t n = parameters.size();
  pool.parallel_for((n + run - 1) / run, 1, [&](std::int64_t begin, std::int64_t end, int) {
    kernels().scale(factor, std::min(end * run, n) - begin * run, gradients + begin * run);
  });
}

Result<Average> Average::create(const Parameters& parameters) {
  Average out;
  SW_ASSIGN(out.memory_, Memory::allocate(static_cast<std::size_t>(parameters.size()) * sizeof(float)));
  out.reset(parameters);
  return out;
}

void Average::reset(const Parameters& parameters) {
  std::ranges::copy(parameters.values(), values().begin());
}

void Average::update(const Parameters& parameters, float decay, ThreadPool& pool) {
  float* average = values().data();
  const float* now = parameters.values().data();
  const std::int64_t n = parameters.size();
  pool.parallel_for((n + run - 1) / run, 1, [&](std::int64_t begin, std::int64_t end, int) {
    kernels().blend(now + begin * run, 1 - decay, std::min(end * run, n) - begin * run, average + begin * run);
  });
}

}  // namespace sw::train
