// The table of one instruction set, from the algorithms in this folder and its Simd.
#pragma once

#include "ops/generic/attention.hpp"
#include "ops/generic/matmul.hpp"
#include "ops/generic/rows.hpp"
#include "ops/generic/screen.hpp"

namespace sw::generic {

template <class S>
constexpr Kernels make_kernels(const char* isa) {
  return {.isa = isa,
          .bf16_dot = S::has_bf16_dot,
          .matmul = matmul<S>,
          .screen = screen<S>,
          .prepare = prepare<S>,
          .rms_norm = rms_norm<S>,
          .rope = rope<S>,
          .activate = activate<S>,
          .softcap = softcap<S>,
          .add = add<S>,
          .store_kv = store_kv<S>,
          .attention = attention<S>,
          .attention_split = attention_split<S>,
          .attention_merge = attention_merge<S>,
          .conv = conv<S>,
          .scan = scan<S>};
}

}  // namespace sw::generic
