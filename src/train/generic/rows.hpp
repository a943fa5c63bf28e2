// Norms, rotations, activations and updates: everything that is one pass over a row.
#pragma once

#include "train/generic/vector.hpp"
#include "train/kernels.hpp"

namespace sw::train {
namespace {

float rms_norm(const float* x, const float* weight, float eps, std::int64_t n, float* y) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float r = 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * r * weight[i];
  return r;
}

/// dx = r·(weight·dy − x·r²·mean(weight·dy·x))
void rms_norm_backward(const float* dy, const float* x, const float* weight, float r, std::int64_t n, float* dx,
                       float* d_weight) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::int64_t i = 0; i < n; ++i) dot += weight[i] * dy[i] * x[i];
  const float along = dot / static_cast<float>(n) * r * r;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    d_weight[i] += dy[i] * x[i] * r;
    dx[i] += r * (weight[i] * dy[i] - x[i] * along);
  }
}

void rope(float* head, const float* cos, const float* sin, int pairs, RopeLayout layout, float sign) {
  if (layout == RopeLayout::half) {
#pragma omp simd
    for (int i = 0; i < pairs; ++i) {
      const float a = head[i], b = head[pairs + i], s = sign * sin[i];
      head[i] = a * cos[i] - b * s;
      head[pairs + i] = b * cos[i] + a * s;
    }
  } else {
#pragma omp simd
    for (int i = 0; i < pairs; ++i) {
      const float a = head[2 * i], b = head[2 * i + 1], s = sign * sin[i];
      head[2 * i] = a * cos[i] - b * s;
      head[2 * i + 1] = b * cos[i] + a * s;
    }
  }
}

/// f and its derivative at x.
struct Silu {
  static float value(float x) { return x * sigmoid(x); }
  static float slope(float x) {
    const float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};
struct GeluTanh {
  static constexpr float a = 0.7978845608028654f, b = 0.044715f;
  static float value(float x) { return 0.5f * x * (1.0f + fast_tanh(a * (x + b * x * x * x))); }
  static float slope(float x) {
    const float t = fast_tanh(a * (x + b * x * x * x));
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * a * (1.0f + 3.0f * b * x * x);
  }
};
struct GeluErf {
  static float value(float x) { return 0.5f * x * (1.0f + __builtin_erff(x * 0.70710678118654752f)); }
  static float slope(float x) {
    return 0.5f * (1.0f + __builtin_erff(x * 0.70710678118654752f)) + x * 0.3989422804014327f * fast_exp(-0.5f * x * x);
  }
};
struct Relu {
  static float value(float x) { return x > 0 ? x : 0; }
  static float slope(float x) { return x > 0 ? 1.0f : 0.0f; }
};

template <class F>
void activate_with(const float* gate, const float* up, std::int64_t n, float* h) {
  if (up) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) h[i] = F::value(gate[i]) * up[i];
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) h[i] = F::value(gate[i]);
  }
}

template <class F>
void activate_backward_with(const float* dh, float* gate, float* up, std::int64_t n, float* h) {
  if (up) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      const float u = up[i], value = F::value(gate[i]);
      gate[i] = dh[i] * u * F::slope(gate[i]);
      up[i] = dh[i] * value;
      h[i] = value * u;
    }
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
      h[i] = F::value(gate[i]);
      gate[i] = dh[i] * F::slope(gate[i]);
    }
  }
}

void activate(const float* gate, const float* up, Activation f, std::int64_t n, float* h) {
  switch (f) {
    case Activation::silu:
      return activate_with<Silu>(gate, up, n, h);
    case Activation::gelu_tanh:
      return activate_with<GeluTanh>(gate, up, n, h);
    case Activation::gelu_erf:
      return activate_with<GeluErf>(gate, up, n, h);
    case Activation::relu:
      return activate_with<Relu>(gate, up, n, h);
  }
}

void activate_backward(const float* dh, float* gate, float* up, Activation f, std::int64_t n, float* h) {
  switch (f) {
    case Activation::silu:
      return activate_backward_with<Silu>(dh, gate, up, n, h);
    case Activation::gelu_tanh:
      return activate_backward_with<GeluTanh>(dh, gate, up, n, h);
    case Activation::gelu_erf:
      return activate_backward_with<GeluErf>(dh, gate, up, n, h);
    case Activation::relu:
      return activate_backward_with<Relu>(dh, gate, up, n, h);
  }
}

void gate(const float* x, const float* z, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * Silu::value(z[i]);
}

void gate_backward(const float* dy, const float* x, const float* z, std::int64_t n, float* d_x, float* d_z) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = dy[i];
    d_x[i] = g * Silu::value(z[i]);
    d_z[i] = g * x[i] * Silu::slope(z[i]);
  }
}

void softcap(float* x, float cap, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) x[i] = cap * fast_tanh(x[i] / cap);
}

void softcap_backward(float* d, const float* y, float cap, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) d[i] *= 1.0f - (y[i] / cap) * (y[i] / cap);
}

float softmax(float* x, std::int64_t n) {
  float most = x[0];
#pragma omp simd reduction(max : most)
  for (std::int64_t i = 0; i < n; ++i) most = x[i] > most ? x[i] : most;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = fast_exp(x[i] - most);
    sum += x[i];
  }
  const float inverse = 1.0f / sum;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) x[i] *= inverse;
  return most + std::log(sum);
}

void add(const float* x, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}
void scale_add(const float* x, float a, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}
void scale(float a, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] *= a;
}
void blend(const float* x, float a, std::int64_t n, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += a * (x[i] - y[i]);
}

double sum_squares(const float* x, std::int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

void adamw(const AdamW& o, const float* gradient, std::int64_t n, float* m, float* v, float* value) {
  const float step = o.rate / o.correction1, root = 1.0f / std::sqrt(o.correction2), keep = 1.0f - o.rate * o.decay;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    m[i] = o.beta1 * m[i] + (1.0f - o.beta1) * g;
    v[i] = o.beta2 * v[i] + (1.0f - o.beta2) * g * g;
    value[i] = value[i] * keep - step * m[i] / (__builtin_sqrtf(v[i]) * root + o.epsilon);
  }
}

void to_bf16(const float* x, std::int64_t n, std::uint16_t* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x[i]);
    const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    y[i] = static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
  }
}

}  // namespace
}  // namespace sw::train
