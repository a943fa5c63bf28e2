// Mamba's convolution and selective scan (Gu & Dao 2023, algorithm 2), 16 channels at a time. Forward keeps the state
// before every chunk of tokens; backward goes through the chunks from the last to the first, recomputes the states
// inside each and walks them in reverse. Channels are independent, so tasks are pieces of channels.
#pragma once

#include "train/generic/rows.hpp"

namespace sw::train {
namespace {

inline float softplus(float x) {
  return x > 20 ? x : std::log1p(fast_exp(x));
}

/// [channels, n] of 16 channels → [n, 16], zeros for channels that are missing.
inline void gather(const float* x, std::int64_t n, int channels, float* out) {
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < scan_channels; ++c) out[i * scan_channels + c] = c < channels ? x[c * n + i] : 0.0f;
}

/// The value of each channel, 0 for those that are missing.
inline void take(const float* x, int channels, float* out) {
  for (int c = 0; c < scan_channels; ++c) out[c] = c < channels ? x[c] : 0.0f;
}

inline constexpr int widest_conv = 64;

/// Sum before the activation, at token t for channels from c on.
inline void conv_sum(const ConvArgs& a, const float* weight, std::int64_t first, int channels, int t, float* sum) {
  take(a.bias + first, channels, sum);
  for (int tap = 0; tap < a.conv; ++tap) {
    const int from = t - (a.conv - 1) + tap;
    if (from < 0) continue;
    const float* x = a.x + from * a.x_stride + first;
    for (int c = 0; c < channels; ++c) sum[c] += x[c] * weight[tap * scan_channels + c];
  }
}

void conv(const ConvArgs& a, std::int64_t begin, std::int64_t end, float* y) {
  float weight[widest_conv * scan_channels], sum[scan_channels];
  for (std::int64_t first = begin; first < end; first += scan_channels) {
    const int channels = static_cast<int>(end - first < scan_channels ? end - first : scan_channels);
    gather(a.weight + first * a.conv, a.conv, channels, weight);
    for (int t = 0; t < a.tokens; ++t) {
      conv_sum(a, weight, first, channels, t, sum);
      for (int c = 0; c < channels; ++c) y[t * a.inner + first + c] = Silu::value(sum[c]);
    }
  }
}

void conv_backward(const ConvArgs& a, std::int64_t begin, std::int64_t end, const float* dy, float* d_x,
                   std::int64_t d_x_stride, float* d_weight, float* d_bias) {
  float weight[widest_conv * scan_channels], d_w[widest_conv * scan_channels], sum[scan_channels];
  for (std::int64_t first = begin; first < end; first += scan_channels) {
    const int channels = static_cast<int>(end - first < scan_channels ? end - first : scan_channels);
    gather(a.weight + first * a.conv, a.conv, channels, weight);
    zero(d_w, a.conv * scan_channels);
    for (int t = 0; t < a.tokens; ++t) zero(d_x + t * d_x_stride + first, channels);
    for (int t = 0; t < a.tokens; ++t) {
      conv_sum(a, weight, first, channels, t, sum);
      for (int c = 0; c < channels; ++c) {
        sum[c] = dy[t * a.inner + first + c] * Silu::slope(sum[c]);
        d_bias[first + c] += sum[c];
      }
      for (int tap = 0; tap < a.conv; ++tap) {
        const int from = t - (a.conv - 1) + tap;
        if (from < 0) continue;
        const float* x = a.x + from * a.x_stride + first;
        float* dx = d_x + from * d_x_stride + first;
        for (int c = 0; c < channels; ++c) {
          d_w[tap * scan_channels + c] += sum[c] * x[c];
          dx[c] += sum[c] * weight[tap * scan_channels + c];
        }
      }
    }
    for (int c = 0; c < channels; ++c)
      for (int tap = 0; tap < a.conv; ++tap) d_weight[(first + c) * a.conv + tap] += d_w[tap * scan_channels + c];
  }
}

/// One step of the recurrence: h [state, 16] becomes the next.
inline void scan_step(const float* a, const float* b, const float* dt, const float* u, int state, const float* before,
                      float* after) {
  for (int s = 0; s < state; ++s)
#pragma omp simd
    for (int c = 0; c < scan_channels; ++c)
      after[s * scan_channels + c] =
          fast_exp(dt[c] * a[s * scan_channels + c]) * before[s * scan_channels + c] + dt[c] * b[s] * u[c];
}

/// −exp(a_log) as [state, 16].
inline void decay_rates(const ScanArgs& s, std::int64_t first, int channels, float* a) {
  gather(s.a_log + first * s.state, s.state, channels, a);
  for (int i = 0; i < s.state * scan_channels; ++i) a[i] = -fast_exp(a[i]);
}

inline constexpr int largest_state = 256;

void scan(const ScanArgs& s, std::int64_t begin, std::int64_t end) {
  float a[largest_state * scan_channels], h[largest_state * scan_channels];
  float dt[scan_channels], u[scan_channels], d[scan_channels], y[scan_channels];
  for (std::int64_t first = begin; first < end; first += scan_channels) {
    const int channels = static_cast<int>(end - first < scan_channels ? end - first : scan_channels);
    decay_rates(s, first, channels, a);
    take(s.d + first, channels, d);
    zero(h, s.state * scan_channels);
    for (int t = 0; t < s.tokens; ++t) {
      if (t % scan_chunk == 0)
        for (int i = 0; i < s.state; ++i)
          for (int c = 0; c < channels; ++c)
            s.states[(std::int64_t{t / scan_chunk} * s.state + i) * s.inner + first + c] = h[i * scan_channels + c];
      take(s.dt + t * s.inner + first, channels, dt);
      take(s.u + t * s.inner + first, channels, u);
      for (int c = 0; c < scan_channels; ++c) {
        dt[c] = softplus(dt[c]);
        y[c] = d[c] * u[c];
      }
      scan_step(a, s.b + t * s.bc_stride, dt, u, s.state, h, h);
      for (int i = 0; i < s.state; ++i) {
        const float weight = s.c[t * s.bc_stride + i];
        for (int c = 0; c < scan_channels; ++c) y[c] += weight * h[i * scan_channels + c];
      }
      for (int c = 0; c < channels; ++c) s.y[t * s.inner + first + c] = y[c];
    }
  }
}

void scan_backward(const ScanArgs& s, const ScanGradient& g, std::int64_t begin, std::int64_t end) {
  const int size = s.state * scan_channels;
  float* states = g.scratch;                    // [scan_chunk + 1, state, 16]
  float* a = states + (scan_chunk + 1) * size;  // [state, 16], as those that follow
  float* d_h = a + size;
  float* d_a = d_h + size;
  float dt[scan_channels], raw[scan_channels], u[scan_channels], d[scan_channels], dy[scan_channels];
  float d_dt[scan_channels], d_u[scan_channels], d_d[scan_channels];
  const int chunks = (s.tokens + scan_chunk - 1) / scan_chunk;
  for (int t = 0; t < s.tokens; ++t) {
    zero(g.d_b + t * g.d_bc_stride, s.state);
    zero(g.d_c + t * g.d_bc_stride, s.state);
  }
  for (std::int64_t first = begin; first < end; first += scan_channels) {
    const int channels = static_cast<int>(end - first < scan_channels ? end - first : scan_channels);
    decay_rates(s, first, channels, a);
    take(s.d + first, channels, d);
    zero(d_h, size);
    zero(d_a, size);
    zero(d_d, scan_channels);
    for (int chunk = chunks - 1; chunk >= 0; --chunk) {
      const int start = chunk * scan_chunk, n = s.tokens - start < scan_chunk ? s.tokens - start : scan_chunk;
      for (int i = 0; i < s.state; ++i)
        take(s.states + (std::int64_t{chunk} * s.state + i) * s.inner + first, channels, states + i * scan_channels);
      for (int t = 0; t < n; ++t) {
        take(s.dt + (start + t) * s.inner + first, channels, dt);
        take(s.u + (start + t) * s.inner + first, channels, u);
        for (int c = 0; c < scan_channels; ++c) dt[c] = softplus(dt[c]);
        scan_step(a, s.b + (start + t) * s.bc_stride, dt, u, s.state, states + t * size, states + (t + 1) * size);
      }
      for (int t = n - 1; t >= 0; --t) {
        const std::int64_t at = (start + t) * s.inner + first;
        const float *b = s.b + (start + t) * s.bc_stride, *c_row = s.c + (start + t) * s.bc_stride;
        float *d_b = g.d_b + (start + t) * g.d_bc_stride, *d_c = g.d_c + (start + t) * g.d_bc_stride;
        take(s.dt + at, channels, raw);
        take(s.u + at, channels, u);
        take(g.d_y + at, channels, dy);
        for (int c = 0; c < scan_channels; ++c) {
          dt[c] = softplus(raw[c]);
          d_dt[c] = 0;
          d_u[c] = dy[c] * d[c];
          d_d[c] += dy[c] * u[c];
        }
        const float *before = states + t * size, *after = states + (t + 1) * size;
        for (int i = 0; i < s.state; ++i) {
          const std::int64_t row = i * scan_channels;
          float to_b = 0, to_c = 0;
#pragma omp simd reduction(+ : to_b, to_c)
          for (int c = 0; c < scan_channels; ++c) {
            const float decay = fast_exp(dt[c] * a[row + c]);
            const float grad = d_h[row + c] + dy[c] * c_row[i];
            to_c += dy[c] * after[row + c];
            to_b += grad * dt[c] * u[c];
            const float through_decay = grad * before[row + c] * decay;
            d_dt[c] += through_decay * a[row + c] + grad * b[i] * u[c];
            d_a[row + c] += through_decay * dt[c];
            d_u[c] += grad * dt[c] * b[i];
            d_h[row + c] = grad * decay;
          }
          d_b[i] += to_b;
          d_c[i] += to_c;
        }
        for (int c = 0; c < channels; ++c) {
          g.d_u[at + c] = d_u[c];
          g.d_dt[at + c] = d_dt[c] * sigmoid(raw[c]);
        }
      }
    }
    for (int c = 0; c < channels; ++c) {
      g.d_d[first + c] += d_d[c];
      for (int i = 0; i < s.state; ++i)
        g.d_a_log[(first + c) * s.state + i] += d_a[i * scan_channels + c] * a[i * scan_channels + c];
    }
  }
}

}  // namespace
}  // namespace sw::train
