// The table of one instruction set, from the algorithms in this folder and its Simd.
#pragma once

#include "ops/generic/attention.hpp"
#include "ops/generic/matmul.hpp"
#include "ops/generic/pack.hpp"
#include "ops/generic/rows.hpp"
#include "ops/generic/screen.hpp"

namespace sw::generic {

/// A kernel as the table has it. Upper halves of vector registers left in use slow down every plain float operation
/// after it (five times in a search for the largest logit); GCC 12 does not always clear them.
template <class S, auto Kernel>
struct Entry;
template <class S, class... Args, void (*Kernel)(Args...)>
struct Entry<S, Kernel> {
  static void call(Args... args) {
    Kernel(args...);
    if constexpr (requires { S::leave(); }) S::leave();
  }
};

template <class S>
constexpr Kernels make_kernels(const char* isa) {
  return {.isa = isa,
          .bf16_dot = S::has_bf16_dot,
          .pack = Entry<S, pack<S>>::call,
          .matmul = Entry<S, matmul<S>>::call,
          .screen = Entry<S, screen<S>>::call,
          .compute_bounded = Entry<S, compute_bounded<S>>::call,
          .prepare = Entry<S, prepare<S>>::call,
          .rms_norm = Entry<S, rms_norm<S>>::call,
          .rope = Entry<S, rope<S>>::call,
          .activate = Entry<S, activate<S>>::call,
          .softcap = Entry<S, softcap<S>>::call,
          .add = Entry<S, add<S>>::call,
          .store_kv = Entry<S, store_kv<S>>::call,
          .attention = Entry<S, attention<S>>::call,
          .attention_split = Entry<S, attention_split<S>>::call,
          .attention_merge = Entry<S, attention_merge<S>>::call,
          .conv = Entry<S, conv<S>>::call,
          .scan = Entry<S, scan<S>>::call};
}

}  // namespace sw::generic
