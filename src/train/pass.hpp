#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/thread_pool.hpp"
#include "model/spec.hpp"
#include "train/gemm.hpp"
#include "train/kernels.hpp"
#include "train/parameters.hpp"

namespace sw::train {

/// Hands out pieces of an array of floats, each on a cache line. From a null array it only counts.
class Floats {
 public:
  explicit Floats(float* base = nullptr) : base_(base) {}
  float* take(std::int64_t n) {
    float* piece = base_ ? base_ + used_ : nullptr;
    used_ += (n + 15) / 16 * 16;
    return piece;
  }
  std::int64_t used() const { return used_; }

 private:
  float* base_;
  std::int64_t used_ = 0;
};

/// A sequence of the batch: tokens [first, first + count). Attention and recurrences stay inside.
struct Segment {
  std::int64_t first;
  int count;
};

/// Rows [first, first + count) of the batch: what one thread takes through a chain of operations while they are in its
/// cache.
struct Tile {
  std::int64_t first, count;
};
inline constexpr std::int64_t tile_tokens = 128;
static_assert(tile_tokens % converted_rows == 0);

/// The most that a network is made for.
struct Limits {
  std::int64_t tokens = 0;  ///< in a batch
  int sequence = 0;         ///< tokens of a segment
  int segments = 0;
};

/// cos and sin of every position, [positions, pairs].
struct RopeTable {
  int pairs = 0;
  std::vector<float> cos, sin;
};

/// One batch on its way through the network, and what it is computed with.
struct Pass {
  ThreadPool& pool;
  Gemm& gemm;
  const Kernels& ops;
  const float* values;
  float* gradients;
  const std::vector<RopeTable>& ropes;
  std::int64_t tokens = 0;
  std::span<const Segment> segments;
  std::span<const int> positions;          ///< of each token in its segment
  float* scratch = nullptr;                ///< shared by the operations of one part
  std::span<float* const> thread_scratch;  ///< one for each thread

  const float* value(const Slot& slot) const { return values + slot.offset; }
  float* gradient(const Slot& slot) const { return gradients + slot.offset; }

  /// f(tile, thread) for all rows.
  template <class F>
  void rows(F&& f) {
    pool.parallel_for((tokens + tile_tokens - 1) / tile_tokens, 1,
                      [&](std::int64_t begin, std::int64_t end, int thread) {
                        for (std::int64_t t = begin; t < end; ++t) {
                          const std::int64_t first = t * tile_tokens;
                          f(Tile{first, first + tile_tokens < tokens ? tile_tokens : tokens - first}, thread);
                        }
                      });
  }
};

/// Sums over the rows of the batch, tile by tile and then over the tiles in order.
class ColumnSums {
 public:
  ColumnSums(Floats& scratch, std::int64_t tokens, std::int64_t width)
      : partials_(scratch.take((tokens + tile_tokens - 1) / tile_tokens * width)), width_(width) {}

  /// Zeroed place for the sums of one tile.
  float* start(const Tile& tile) const;
  /// Adds the sums of all tiles to `out`.
  void finish(Pass& pass, float* out) const;

 private:
  float* partials_;
  std::int64_t width_;
};

/// y = W·x + bias, W [out, in].
struct Linear {
  Slot weight, bias;

  std::int64_t out() const { return weight.rows; }
  std::int64_t in() const { return weight.cols; }
  /// y = (or += where `add`) W·x + bias for `rows` rows.
  void forward(Pass& pass, int thread, const float* x, std::int64_t x_stride, std::int64_t rows, float* y,
               std::int64_t y_stride, bool add = false) const;
  /// dx = (or +=) Wᵀ·dy.
  void backward(Pass& pass, int thread, const float* dy, std::int64_t dy_stride, std::int64_t rows, float* dx,
                std::int64_t dx_stride, bool add = false) const;
};
Linear linear(const Parameters& parameters, const std::string& name, std::int64_t first = 0, std::int64_t rows = -1);

/// gradient of W += dyᵀ·x over `rows` rows.
struct WeightGradient {
  Slot weight;
  const float *dy, *x;
  std::int64_t dy_stride, x_stride, rows;
};
/// Several of them, over the same rows.
class WeightGradients {
 public:
  WeightGradients(Pass& pass, std::initializer_list<WeightGradient> products);
  /// Converts the rows of a tile of all factors, while they are in a thread's cache.
  void convert(const Tile& tile) const { pass_.gemm.convert(tile.first, tile.count); }
  /// In pieces of fixed size, shared out over the threads. All rows must have been converted.
  void add();

 private:
  Pass& pass_;
  std::vector<WeightGradient> products_;
  std::vector<Operand> operands_;  ///< dy and x of each
};

/// out = the sum of the columns of `rows` rows of dy.
void sum_columns(const Kernels& ops, const float* dy, std::int64_t stride, std::int64_t rows, std::int64_t width,
                 float* out);

}  // namespace sw::train
