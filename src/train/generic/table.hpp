#pragma once

#include "train/generic/attention.hpp"
#include "train/generic/recurrent.hpp"
#include "train/generic/rows.hpp"

namespace sw::train {
namespace {

constexpr Kernels generic_table(const char* isa) {
  return {.isa = isa,
          .rms_norm = rms_norm,
          .rms_norm_backward = rms_norm_backward,
          .rope = rope,
          .activate = activate,
          .activate_backward = activate_backward,
          .gate = gate,
          .gate_backward = gate_backward,
          .attention = {attention<Fp32Products>, attention_backward<Fp32Products>},
          .conv = conv,
          .conv_backward = conv_backward,
          .scan = scan,
          .scan_backward = scan_backward,
          .softcap = softcap,
          .softcap_backward = softcap_backward,
          .softmax = softmax,
          .add = add,
          .scale_add = scale_add,
          .scale = scale,
          .blend = blend,
          .sum_squares = sum_squares,
          .adamw = adamw,
          .to_bf16 = to_bf16};
}

}  // namespace
}  // namespace sw::train
