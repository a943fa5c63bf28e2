// Softmax attention in tiles that stay in cache (Dao 2023, FlashAttention-2, algorithms 1 and 2): scores are never
// stored, and backward recomputes them from the log of their sum. The one decision that matters: one task is a whole
// key/value head of a sequence, so that its keys are transposed once and no two tasks add to the same gradient.
#pragma once

#include "train/generic/vector.hpp"
#include "train/kernels.hpp"

namespace sw::train {
namespace {

inline constexpr int attention_tile = 64;

inline int tile_of(int n, int at) {
  return n - at < attention_tile ? n - at : attention_tile;
}

/// Hands out pieces of scratch, each a whole number of cache lines.
struct Pieces {
  float* next;
  float* take(std::int64_t n) {
    float* piece = next;
    next += (n + 15) / 16 * 16;
    return piece;
  }
};

/// What a matrix is multiplied as: sums run along its rows, or down its columns.
enum Sums : int { along_rows = 1, down_columns = 2 };

/// How attention multiplies in FP32. Another way has the same members.
struct Fp32Products {
  /// [rows, cols], for sums of the kinds that are wanted. One form serves both here.
  struct Factor {
    Factor(Pieces& scratch, int rows, int cols, int /*sums*/)
        : stride(padded(cols)), values(scratch.take(std::int64_t{rows} * stride)) {}
    void set(const float* x, std::int64_t x_stride, int rows, int cols) {
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < cols; ++c) values[r * stride + c] = x[r * x_stride + c];
        for (int c = cols; c < stride; ++c) values[r * stride + c] = 0;
      }
    }
    int stride;
    float* values;
  };

  /// Weights [queries, attention_tile] of queries and keys: multiplied where they are.
  struct Weights {
    Weights(Pieces& /*scratch*/, int /*sums*/) {}
    void set(const float* weights, int /*queries*/) { values = weights; }
    const float* values = nullptr;
  };

  /// Keys or values, to be multiplied with queries: tile by tile [head_dim, attention_tile], zeros where rows are
  /// missing.
  struct Transposed {
    Transposed(Pieces& scratch, int tokens, int head_dim)
        : cols(head_dim),
          values(scratch.take(std::int64_t{tokens + attention_tile - 1} / attention_tile * attention_tile * head_dim)) {}
    void set(const float* x, std::int64_t stride, int rows) {
      float* out = values;
      for (int first = 0; first < rows; first += attention_tile, out += cols * attention_tile) {
        const int n = tile_of(rows, first);
        if (n < attention_tile) zero(out, std::int64_t{cols} * attention_tile);
        for (int c = 0; c < cols; ++c)
          for (int r = 0; r < n; ++r) out[c * attention_tile + r] = x[(first + r) * stride + c];
      }
    }
    int cols;
    float* values;
  };

  /// c [queries, attention_tile] = q · the transposed tile of keys that begins with `key`.
  static void with_keys(const Factor& q, int queries, const Transposed& keys, int key, float* c) {
    zero(c, std::int64_t{queries} * attention_tile);
    tile_product(queries, attention_tile, keys.cols, {q.values, q.stride, 1},
                 keys.values + std::int64_t{key} * keys.cols, attention_tile, c, attention_tile);
  }
  /// c [queries, cols] += weights · rows [first, first + keys) of x.
  static void gather(const Weights& weights, int queries, int keys, const Factor& x, int first, int /*cols*/, float* c,
                     int c_stride) {
    tile_product(queries, x.stride, keys, {weights.values, attention_tile, 1}, x.values + std::int64_t{first} * x.stride,
                 x.stride, c, c_stride);
  }
  /// c [keys, cols] += weightsᵀ · x.
  static void scatter(const Weights& weights, int queries, int keys, const Factor& x, int /*cols*/, float* c,
                      int c_stride) {
    tile_product(keys, x.stride, queries, {weights.values, 1, attention_tile}, x.values, x.stride, c, c_stride);
  }
};

/// Keys that query i of the tile may see, as offsets into the key tile.
struct Visible {
  int begin, end;
};
inline Visible visible(const AttentionArgs& a, int query, int first_key, int keys) {
  int begin = a.window > 0 ? query - a.window + 1 - first_key : 0, end = query + 1 - first_key;
  begin = begin < 0 ? 0 : begin;
  end = end > keys ? keys : end;
  return {begin > end ? end : begin, end < 0 ? 0 : end};
}
/// The first tile of keys that a tile of queries can see.
inline int first_tile(const AttentionArgs& a, int first_query) {
  const int key = a.window > 0 ? first_query - a.window + 1 : 0;
  return key > 0 ? key / attention_tile * attention_tile : 0;
}

/// Scores of a query tile with a key tile, capped; [queries, attention_tile].
template <class Products>
void score_tile(const AttentionArgs& a, const typename Products::Factor& q, int queries,
                const typename Products::Transposed& keys, int key, float* scores) {
  Products::with_keys(q, queries, keys, key, scores);
  const int n = queries * attention_tile;
  if (a.softcap > 0)
    for (int i = 0; i < n; ++i) scores[i] = a.softcap * fast_tanh(scores[i] * a.scale / a.softcap);
  else if (a.scale != 1)
    for (int i = 0; i < n; ++i) scores[i] *= a.scale;
}

template <class Products>
void attention(const AttentionArgs& a) {
  const int d = padded(a.head_dim);
  Pieces scratch{a.scratch};
  typename Products::Transposed keys(scratch, a.tokens, a.head_dim);
  typename Products::Factor values(scratch, a.tokens, a.head_dim, down_columns);
  typename Products::Factor q(scratch, attention_tile, a.head_dim, along_rows);
  typename Products::Weights weights(scratch, along_rows);
  float* out = scratch.take(attention_tile * d);
  float* scores = scratch.take(attention_tile * attention_tile);
  float most[attention_tile], sum[attention_tile];
  keys.set(a.k, a.kv_stride, a.tokens);
  values.set(a.v, a.kv_stride, a.tokens, a.head_dim);

  for (int head = 0; head < a.group; ++head)
    for (int first = 0; first < a.tokens; first += attention_tile) {
      const int queries = tile_of(a.tokens, first);
      q.set(a.q + first * a.q_stride + head * a.head_dim, a.q_stride, queries, a.head_dim);
      zero(out, std::int64_t{queries} * d);
      for (int i = 0; i < queries; ++i) {
        most[i] = -INFINITY;
        sum[i] = 0;
      }
      for (int key = first_tile(a, first); key < first + queries; key += attention_tile) {
        score_tile<Products>(a, q, queries, keys, key, scores);
        for (int i = 0; i < queries; ++i) {
          float* s = scores + i * attention_tile;
          const Visible see = visible(a, first + i, key, attention_tile);
          if (see.begin >= see.end) {
            zero(s, attention_tile);
            continue;
          }
          float top = most[i];
#pragma omp simd reduction(max : top)
          for (int j = see.begin; j < see.end; ++j) top = s[j] > top ? s[j] : top;
          const float shrink = fast_exp(most[i] - top);
          float added = 0;
#pragma omp simd reduction(+ : added)
          for (int j = 0; j < attention_tile; ++j) {
            const float p = j >= see.begin && j < see.end ? fast_exp(s[j] - top) : 0.0f;
            s[j] = p;
            added += p;
          }
          sum[i] = sum[i] * shrink + added;
          most[i] = top;
          if (shrink != 1.0f)
            for (int c = 0; c < d; ++c) out[i * d + c] *= shrink;
        }
        weights.set(scores, queries);
        Products::gather(weights, queries, tile_of(a.tokens, key), values, key, a.head_dim, out, d);
      }
      for (int i = 0; i < queries; ++i) {
        float* to = a.out + (first + i) * a.q_stride + head * a.head_dim;
        for (int c = 0; c < a.head_dim; ++c) to[c] = out[i * d + c] / sum[i];
        a.lse[(first + i) * a.lse_stride + head] = most[i] + std::log(sum[i]);
      }
    }
}

template <class Products>
void attention_backward(const AttentionArgs& a, const AttentionGradient& g) {
  const int d = padded(a.head_dim);
  const std::int64_t rows = std::int64_t{a.tokens} * d;
  Pieces scratch{a.scratch};
  typename Products::Transposed keys_t(scratch, a.tokens, a.head_dim), values_t(scratch, a.tokens, a.head_dim);
  typename Products::Factor keys(scratch, a.tokens, a.head_dim, down_columns);
  typename Products::Factor q(scratch, attention_tile, a.head_dim, along_rows | down_columns);
  typename Products::Factor d_out(scratch, attention_tile, a.head_dim, along_rows | down_columns);
  typename Products::Weights weights(scratch, down_columns), d_scores(scratch, along_rows | down_columns);
  float* d_k = scratch.take(rows);
  float* d_v = scratch.take(rows);
  float* d_q = scratch.take(attention_tile * d);
  float* p = scratch.take(attention_tile * attention_tile);
  float* d_p = scratch.take(attention_tile * attention_tile);
  float delta[attention_tile];
  keys_t.set(a.k, a.kv_stride, a.tokens);
  values_t.set(a.v, a.kv_stride, a.tokens);
  keys.set(a.k, a.kv_stride, a.tokens, a.head_dim);
  zero(d_k, rows);
  zero(d_v, rows);

  for (int head = 0; head < a.group; ++head)
    for (int first = 0; first < a.tokens; first += attention_tile) {
      const int queries = tile_of(a.tokens, first);
      const std::int64_t at = first * a.q_stride + head * a.head_dim;
      q.set(a.q + at, a.q_stride, queries, a.head_dim);
      d_out.set(g.d_out + at, a.q_stride, queries, a.head_dim);
      zero(d_q, std::int64_t{queries} * d);
      for (int i = 0; i < queries; ++i) {
        const float *o = a.out + at + i * a.q_stride, *d_o = g.d_out + at + i * a.q_stride;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int c = 0; c < a.head_dim; ++c) sum += o[c] * d_o[c];
        delta[i] = sum;
      }
      for (int key = first_tile(a, first); key < first + queries; key += attention_tile) {
        const int n = tile_of(a.tokens, key);
        score_tile<Products>(a, q, queries, keys_t, key, p);
        Products::with_keys(d_out, queries, values_t, key, d_p);
        for (int i = 0; i < queries; ++i) {
          float* pi = p + i * attention_tile;
          float* dpi = d_p + i * attention_tile;
          const Visible see = visible(a, first + i, key, attention_tile);
          const float lse = a.lse[(first + i) * a.lse_stride + head];
          const float cap = a.softcap > 0 ? 1.0f / (a.softcap * a.softcap) : 0.0f;
#pragma omp simd
          for (int j = 0; j < attention_tile; ++j) {
            const float score = pi[j];
            const float weight = j >= see.begin && j < see.end ? fast_exp(score - lse) : 0.0f;
            pi[j] = weight;
            dpi[j] = weight * (dpi[j] - delta[i]) * (1.0f - score * score * cap);
          }
        }
        weights.set(p, queries);
        d_scores.set(d_p, queries);
        Products::scatter(weights, queries, n, d_out, a.head_dim, d_v + std::int64_t{key} * d, d);
        Products::scatter(d_scores, queries, n, q, a.head_dim, d_k + std::int64_t{key} * d, d);
        Products::gather(d_scores, queries, n, keys, key, a.head_dim, d_q, d);
      }
      for (int i = 0; i < queries; ++i)
        for (int c = 0; c < a.head_dim; ++c) g.d_q[at + i * a.q_stride + c] = d_q[i * d + c] * a.scale;
    }
  for (int t = 0; t < a.tokens; ++t)
    for (int c = 0; c < a.head_dim; ++c) {
      g.d_k[t * a.kv_stride + c] = d_k[std::int64_t{t} * d + c] * a.scale;
      g.d_v[t * a.kv_stride + c] = d_v[std::int64_t{t} * d + c];
    }
}

}  // namespace
}  // namespace sw::train
