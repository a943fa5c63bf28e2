#pragma once

#include <cstdint>

#include "ops/types.hpp"

namespace sw::train {

/// Softmax attention of one key/value head and the query heads that share it, over one sequence.
struct AttentionArgs {
  const float *q, *k, *v;  ///< [tokens, …] of the first query head and of the key/value head, `stride`s apart
  std::int64_t q_stride, kv_stride;
  int tokens, group, head_dim;
  int window;     ///< 0: all keys up to the query
  float scale;    ///< of q·k
  float softcap;  ///< 0: off
  float* out;     ///< [tokens, group · head_dim], q_stride apart
  float* lse;     ///< [tokens, group] log Σ exp(score), lse_stride apart
  std::int64_t lse_stride;
  float* scratch;  ///< attention_scratch() floats
};

/// The gradients of q, k and v, laid out like them. d_out may be d_q.
struct AttentionGradient {
  const float* d_out;
  float *d_q, *d_k, *d_v;
};

struct AttentionKernels {
  void (*forward)(const AttentionArgs& args);
  void (*backward)(const AttentionArgs& args, const AttentionGradient& gradient);
};

/// Floats of scratch that forward and backward want, whatever they multiply in.
std::int64_t attention_scratch(int tokens, int head_dim);

/// Mamba's selective scan over one sequence, for channels [begin, end) of `inner`.
/// h_t = exp(dt·A)·h_{t−1} + dt·B_t·u_t;  y_t = C_t·h_t + D·u_t, with dt = softplus(raw dt).
struct ScanArgs {
  const float *u, *dt;  ///< [tokens, inner]; dt before softplus
  const float *b, *c;   ///< [tokens, state], bc_stride apart
  const float* a_log;   ///< [inner, state], A = −exp(a_log)
  const float* d;       ///< [inner]
  float* y;             ///< [tokens, inner]
  float* states;        ///< [chunks, state, inner]: h before each chunk of scan_chunk tokens
  std::int64_t inner, bc_stride;
  int tokens, state;
};
struct ScanGradient {
  const float* d_y;      ///< [tokens, inner]
  float *d_u, *d_dt;     ///< [tokens, inner]; set
  float *d_b, *d_c;      ///< [tokens, state] of these channels alone, d_bc_stride apart; set
  float *d_a_log, *d_d;  ///< [inner, state], [inner]; added to
  std::int64_t d_bc_stride;
  float* scratch;  ///< scan_scratch() floats
};
inline constexpr int scan_chunk = 32, scan_channels = 16;
std::int64_t scan_scratch(int state);

/// Causal depthwise convolution and SiLU over one sequence, channels [begin, end).
struct ConvArgs {
  const float* x;  ///< [tokens, …], x_stride apart
  std::int64_t x_stride;
  const float *weight, *bias;  ///< [inner, conv], [inner]
  std::int64_t inner;
  int tokens, conv;
};

struct AdamW {
  float rate, beta1, beta2, epsilon, decay;
  float correction1, correction2;  ///< 1 − βᵗ
};

/// What is not a matrix product, on rows of activations and runs of parameters. One table per instruction set.
struct Kernels {
  const char* isa;

  /// y = x·r·weight with r = 1/√(mean(x²) + eps), which it returns.
  float (*rms_norm)(const float* x, const float* weight, float eps, std::int64_t n, float* y);
  /// dx += …, d_weight += ….
  void (*rms_norm_backward)(const float* dy, const float* x, const float* weight, float r, std::int64_t n, float* dx,
                            float* d_weight);
  /// Rotates the first 2·pairs dimensions of a head; `sign` −1 rotates back.
  void (*rope)(float* head, const float* cos, const float* sin, int pairs, RopeLayout layout, float sign);
  /// h = f(gate)·up; f(gate) where up is null.
  void (*activate)(const float* gate, const float* up, Activation f, std::int64_t n, float* h);
  /// gate and up become their gradients, given dh; h is what it was before.
  void (*activate_backward)(const float* dh, float* gate, float* up, Activation f, std::int64_t n, float* h);
  /// y = x·silu(z), and its backward: d_x is set, z becomes its gradient.
  void (*gate)(const float* x, const float* z, std::int64_t n, float* y);
  void (*gate_backward)(const float* dy, const float* x, const float* z, std::int64_t n, float* d_x, float* d_z);

  AttentionKernels attention;
  void (*conv)(const ConvArgs& args, std::int64_t begin, std::int64_t end, float* y);
  /// d_x is set; d_weight and d_bias are added to.
  void (*conv_backward)(const ConvArgs& args, std::int64_t begin, std::int64_t end, const float* dy, float* d_x,
                        std::int64_t d_x_stride, float* d_weight, float* d_bias);
  void (*scan)(const ScanArgs& args, std::int64_t begin, std::int64_t end);
  void (*scan_backward)(const ScanArgs& args, const ScanGradient& gradient, std::int64_t begin, std::int64_t end);

  /// x = cap·tanh(x/cap).
  void (*softcap)(float* x, float cap, std::int64_t n);
  /// d = d·(1 − (y/cap)²), where y is the capped value.
  void (*softcap_backward)(float* d, const float* y, float cap, std::int64_t n);
  /// log Σ exp(x), and x becomes softmax(x).
  float (*softmax)(float* x, std::int64_t n);

  void (*add)(const float* x, std::int64_t n, float* y);                 ///< y += x
  void (*scale_add)(const float* x, float a, std::int64_t n, float* y);  ///< y += a·x
  void (*scale)(float a, std::int64_t n, float* y);
  /// y += a·(x − y)
  void (*blend)(const float* x, float a, std::int64_t n, float* y);
  double (*sum_squares)(const float* x, std::int64_t n);
  /// Loshchilov & Hutter 2019.
  void (*adamw)(const AdamW& options, const float* gradient, std::int64_t n, float* m, float* v, float* value);
  void (*to_bf16)(const float* x, std::int64_t n, std::uint16_t* y);
};

/// The best table for this machine; SPEEDWINS_ISA overrides.
const Kernels& kernels();
/// Null for an instruction set that this machine lacks.
const Kernels* find_kernels(const char* isa);

}  // namespace sw::train
