#include "train/pass.hpp"

#include <algorithm>

namespace sw::train {

float* ColumnSums::start(const Tile& tile) const {
  float* sums = partials_ + tile.first / tile_tokens * width_;
  std::fill_n(sums, width_, 0.0f);
  return sums;
}

void ColumnSums::finish(Pass& pass, float* out) const {
  const std::int64_t tiles = (pass.tokens + tile_tokens - 1) / tile_tokens;
  for (std::int64_t t = 0; t < tiles; ++t) pass.ops.add(partials_ + t * width_, width_, out);
}

void Linear::forward(Pass& pass, int thread, const float* x, std::int64_t x_stride, std::int64_t rows, float* y,
                     std::int64_t y_stride, bool add) const {
  pass.gemm.multiply(thread, {.a = {x, x_stride, false},
                              .b = {pass.value(weight), in(), true},
                              .c = y,
                              .c_stride = y_stride,
                              .m = rows,
                              .n = out(),
                              .k = in(),
                              .add = add});
  if (!bias) return;
  for (std::int64_t row = 0; row < rows; ++row) pass.ops.add(pass.value(bias), out(), y + row * y_stride);
}

void Linear::backward(Pass& pass, int thread, const float* dy, std::int64_t dy_stride, std::int64_t rows, float* dx,
                      std::int64_t dx_stride, bool add) const {
  pass.gemm.multiply(thread, {.a = {dy, dy_stride, false},
                              .b = {pass.value(weight), in(), false},
                              .c = dx,
                              .c_stride = dx_stride,
                              .m = rows,
                              .n = in(),
                              .k = out(),
                              .add = add});
}

Linear linear(const Parameters& parameters, const std::string& name, std::int64_t first, std::int64_t rows) {
  return {parameters.slot(name + ".weight", first, rows), parameters.slot(name + ".bias", first, rows)};
}

WeightGradients::WeightGradients(Pass& pass, std::initializer_list<WeightGradient> products)
    : pass_(pass), products_(products) {
  std::vector<Matrix> matrices;
  for (const WeightGradient& p : products_) {
    matrices.push_back({p.dy, p.dy_stride, p.rows, p.weight.rows});
    matrices.push_back({p.x, p.x_stride, p.rows, p.weight.cols});
  }
  operands_ = pass_.gemm.place(matrices);
}

void WeightGradients::add() {
  constexpr std::int64_t piece_rows = 256, piece_cols = 512;
  const auto pieces_of = [](const WeightGradient& p) {
    return ((p.weight.rows + piece_rows - 1) / piece_rows) * ((p.weight.cols + piece_cols - 1) / piece_cols);
  };
  std::int64_t pieces = 0;
  for (const WeightGradient& p : products_) pieces += pieces_of(p);
  pass_.pool.parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      std::int64_t at = piece;
      std::size_t number = 0;
      for (; at >= pieces_of(products_[number]); ++number) at -= pieces_of(products_[number]);
      const WeightGradient& p = products_[number];
      const std::int64_t across = (p.weight.cols + piece_cols - 1) / piece_cols;
      const std::int64_t row = at / across * piece_rows, col = at % across * piece_cols;
      pass_.gemm.multiply(thread, {.a = operands_[2 * number].from_column(row).transpose(),
                                   .b = operands_[2 * number + 1].from_column(col),
                                   .c = pass_.gradient(p.weight) + row * p.weight.cols + col,
                                   .c_stride = p.weight.cols,
                                   .m = std::min(piece_rows, p.weight.rows - row),
                                   .n = std::min(piece_cols, p.weight.cols - col),
                                   .k = p.rows,
                                   .add = true});
    }
  });
}

void sum_columns(const Kernels& ops, const float* dy, std::int64_t stride, std::int64_t rows, std::int64_t width,
                 float* out) {
  for (std::int64_t row = 0; row < rows; ++row) ops.add(dy + row * stride, width, out);
}

}  // namespace sw::train
