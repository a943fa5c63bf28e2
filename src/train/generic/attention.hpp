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

/// Rows of `cols` values, `stride` apart → rows of `out_stride` values times `scale`, zeros behind.
inline void pack_rows(const float* x, std::int64_t stride, int rows, int cols, float scale, float* out,
                      int out_stride) {
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) out[r * out_stride + c] = x[r * stride + c] * scale;
    for (int c = cols; c < out_stride; ++c) out[r * out_stride + c] = 0;
  }
}

/// Tile by tile of attention_tile rows: [cols, attention_tile], zeros where rows are missing.
inline void pack_transposed(const float* x, std::int64_t stride, int rows, int cols, float* out) {
  for (int first = 0; first < rows; first += attention_tile, out += cols * attention_tile) {
    const int n = tile_of(rows, first);
    if (n < attention_tile) zero(out, std::int64_t{cols} * attention_tile);
    for (int c = 0; c < cols; ++c)
      for (int r = 0; r < n; ++r) out[c * attention_tile + r] = x[(first + r) * stride + c];
  }
}

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
inline void score_tile(const AttentionArgs& a, const float* q, int queries, int stride, const float* keys,
                       float* scores) {
  zero(scores, std::int64_t{queries} * attention_tile);
  tile_product(queries, attention_tile, a.head_dim, {q, stride, 1}, keys, attention_tile, scores, attention_tile);
  if (a.softcap > 0)
    for (int i = 0; i < queries * attention_tile; ++i) scores[i] = a.softcap * fast_tanh(scores[i] / a.softcap);
}

void attention(const AttentionArgs& a) {
  const int d = padded(a.head_dim), tiles = (a.tokens + attention_tile - 1) / attention_tile;
  float* keys = a.scratch;                                                   // [tiles][head_dim, tile]
  float* values = keys + std::int64_t{tiles} * a.head_dim * attention_tile;  // [tokens, d]
  float* q = values + std::int64_t{tiles} * attention_tile * d;
  float* out = q + attention_tile * d;
  float* scores = out + attention_tile * d;
  float most[attention_tile], sum[attention_tile];
  pack_transposed(a.k, a.kv_stride, a.tokens, a.head_dim, keys);
  pack_rows(a.v, a.kv_stride, a.tokens, a.head_dim, 1, values, d);

  for (int head = 0; head < a.group; ++head)
    for (int first = 0; first < a.tokens; first += attention_tile) {
      const int queries = tile_of(a.tokens, first);
      pack_rows(a.q + first * a.q_stride + head * a.head_dim, a.q_stride, queries, a.head_dim, a.scale, q, d);
      zero(out, std::int64_t{queries} * d);
      for (int i = 0; i < queries; ++i) {
        most[i] = -INFINITY;
        sum[i] = 0;
      }
      for (int key = first_tile(a, first); key < first + queries; key += attention_tile) {
        score_tile(a, q, queries, d, keys + std::int64_t{key} * a.head_dim, scores);
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
        tile_product(queries, d, tile_of(a.tokens, key), {scores, attention_tile, 1}, values + std::int64_t{key} * d, d,
                     out, d);
      }
      for (int i = 0; i < queries; ++i) {
        float* to = a.out + (first + i) * a.q_stride + head * a.head_dim;
        for (int c = 0; c < a.head_dim; ++c) to[c] = out[i * d + c] / sum[i];
        a.lse[(first + i) * a.lse_stride + head] = most[i] + std::log(sum[i]);
      }
    }
}

void attention_backward(const AttentionArgs& a, const AttentionGradient& g) {
  const int d = padded(a.head_dim), tiles = (a.tokens + attention_tile - 1) / attention_tile;
  const std::int64_t transposed = std::int64_t{tiles} * a.head_dim * attention_tile;
  const std::int64_t rows = std::int64_t{tiles} * attention_tile * d;
  float* keys_t = a.scratch;  // [tiles][head_dim, tile], as values_t
  float* values_t = keys_t + transposed;
  float* keys = values_t + transposed;  // [tokens, d], as d_k and d_v
  float* d_k = keys + rows;
  float* d_v = d_k + rows;
  float* q = d_v + rows;
  float* d_out = q + attention_tile * d;
  float* d_q = d_out + attention_tile * d;
  float* p = d_q + attention_tile * d;
  float* d_p = p + attention_tile * attention_tile;
  float delta[attention_tile];
  pack_transposed(a.k, a.kv_stride, a.tokens, a.head_dim, keys_t);
  pack_transposed(a.v, a.kv_stride, a.tokens, a.head_dim, values_t);
  pack_rows(a.k, a.kv_stride, a.tokens, a.head_dim, 1, keys, d);
  zero(d_k, rows);
  zero(d_v, rows);

  for (int head = 0; head < a.group; ++head)
    for (int first = 0; first < a.tokens; first += attention_tile) {
      const int queries = tile_of(a.tokens, first);
      const std::int64_t at = first * a.q_stride + head * a.head_dim;
      pack_rows(a.q + at, a.q_stride, queries, a.head_dim, a.scale, q, d);
      pack_rows(g.d_out + at, a.q_stride, queries, a.head_dim, 1, d_out, d);
      zero(d_q, std::int64_t{queries} * d);
      for (int i = 0; i < queries; ++i) {
        const float* o = a.out + at + i * a.q_stride;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int c = 0; c < a.head_dim; ++c) sum += o[c] * d_out[i * d + c];
        delta[i] = sum;
      }
      for (int key = first_tile(a, first); key < first + queries; key += attention_tile) {
        const int n = tile_of(a.tokens, key);
        score_tile(a, q, queries, d, keys_t + std::int64_t{key} * a.head_dim, p);
        zero(d_p, std::int64_t{queries} * attention_tile);
        tile_product(queries, attention_tile, a.head_dim, {d_out, d, 1}, values_t + std::int64_t{key} * a.head_dim,
                     attention_tile, d_p, attention_tile);
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
        tile_product(n, d, queries, {p, 1, attention_tile}, d_out, d, d_v + std::int64_t{key} * d, d);
        tile_product(n, d, queries, {d_p, 1, attention_tile}, q, d, d_k + std::int64_t{key} * d, d);
        tile_product(queries, d, n, {d_p, attention_tile, 1}, keys + std::int64_t{key} * d, d, d_q, d);
      }
      for (int i = 0; i < queries; ++i)
        for (int c = 0; c < a.head_dim; ++c) g.d_q[at + i * a.q_stride + c] = d_q[i * d + c] * a.scale;
    }
  for (int t = 0; t < a.tokens; ++t)
    for (int c = 0; c < a.head_dim; ++c) {
      g.d_k[t * a.kv_stride + c] = d_k[std::int64_t{t} * d + c];
      g.d_v[t * a.kv_stride + c] = d_v[std::int64_t{t} * d + c];
    }
}

}  // namespace
}  // namespace sw::train
