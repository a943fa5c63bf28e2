// Advanced SIMD with the dot products of ARMv8.2. A register of the generic algorithms is four of 128 bits. Included by
// one source per instruction set: with the I8MM extension the products of unsigned and signed bytes are one
// instruction, without it two.
#pragma once

#include <arm_neon.h>

#include "ops/generic/kernels.hpp"

namespace sw {
namespace {

struct Neon {
  struct F {
    float32x4_t v[4];  ///< lanes 0–3, 4–7, 8–11, 12–15
  };
  struct I {
    int32x4_t v[4];
  };
  struct B {
    uint8x16_t v[4];
  };

  static constexpr bool has_bf16_dot = false, adds_pairs = false;
  // 32 registers: a 2×2 tile holds 16 integer accumulators and 8 registers of weights.
  static constexpr int tile_rows = 2, direct_rows = 8, float_tile_rows = 2;
  static constexpr int score_rows = 2, value_rows = 2, value_registers = 2;
  static constexpr int prefetch_bytes = 2048, stream_bytes = 2048;

  static void prefetch(const void* at) { __builtin_prefetch(at); }
  static void prefetch_stream(const void* at) { prefetch(at); }

  static F zero() { return set(0); }
  static F set(float x) {
    return make<F>([&](int) { return vdupq_n_f32(x); });
  }
  static F broadcast(const float* at) { return set(*at); }
  static F load(const float* at) {
    return make<F>([&](int i) { return vld1q_f32(at + 4 * i); });
  }
  static F load_first(const float* at, int n) {
    float lanes[16] = {};
    __builtin_memcpy(lanes, at, static_cast<std::size_t>(n) * sizeof(float));
    return load(lanes);
  }
  static F load_f16(const std::byte* at) {
    return make<F>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(load_halves(at, i))); });
  }
  static F load_bf16(const std::byte* at) {
    return make<F>([&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(load_halves(at, i), 16)); });
  }
  /// Lanes' lower halves, and their upper ones.
  static void load_bf16_pairs(const std::byte* at, F& low, F& high) {
    const auto pairs = [&](int i) { return vreinterpretq_u32_u8(load_16(at + 16 * i)); };
    low = make<F>([&](int i) { return vreinterpretq_f32_u32(vshlq_n_u32(pairs(i), 16)); });
    high = make<F>([&](int i) { return vreinterpretq_f32_u32(vandq_u32(pairs(i), vdupq_n_u32(0xffff0000))); });
  }
  static F load_u8(const std::byte* at) { return from_u8(load_16(at)); }
  /// Bytes' lower halves, and their upper ones.
  static void load_u4(const std::byte* at, F& low, F& high) {
    const uint8x16_t bytes = load_16(at);
    low = from_u8(vandq_u8(bytes, vdupq_n_u8(15)));
    high = from_u8(vshrq_n_u8(bytes, 4));
  }
  static F load_i8(const std::byte* at) {
    const int8x16_t bytes = vreinterpretq_s8_u8(load_16(at));
    const int16x8_t words[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
    return make<F>([&](int i) {
      return vcvtq_f32_s32(i % 2 ? vmovl_high_s16(words[i / 2]) : vmovl_s16(vget_low_s16(words[i / 2])));
    });
  }
  static void store(float* at, F x) {
    for (int i = 0; i < 4; ++i) vst1q_f32(at + 4 * i, x.v[i]);
  }
  static void store_first(float* at, F x, int n) {
    float lanes[16];
    store(lanes, x);
    __builtin_memcpy(at, lanes, static_cast<std::size_t>(n) * sizeof(float));
  }
  /// Rounds to nearest even and stores 16 bytes.
  static void store_i8(std::int8_t* at, F x) {
    const I q = make<I>([&](int i) { return vcvtnq_s32_f32(x.v[i]); });
    const int16x8_t low = vmovn_high_s32(vmovn_s32(q.v[0]), q.v[1]), high = vmovn_high_s32(vmovn_s32(q.v[2]), q.v[3]);
    vst1q_s8(at, vmovn_high_s16(vmovn_s16(low), high));
  }
  /// 64 of them.
  static void store_i8(std::int8_t* at, const F (&x)[4]) {
    for (int i = 0; i < 4; ++i) store_i8(at + 16 * i, x[i]);
  }
  static void sums_of_16(const std::int8_t (&q)[128], std::int32_t (&sums)[8]) {
    for (int i = 0; i < 8; ++i) sums[i] = vaddlvq_s8(vld1q_s8(q + 16 * i));
  }

  static F add(F a, F b) {
    return make<F>([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
  }
  static F sub(F a, F b) {
    return make<F>([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
  }
  static F mul(F a, F b) {
    return make<F>([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
  }
  static F div(F a, F b) {
    return make<F>([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
  }
  static F fma(F a, F b, F c) {
    return make<F>([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
  }
  // The second operand where one is not a number, as on x86.
  static F max(F a, F b) {
    return make<F>([&](int i) { return vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
  }
  static F min(F a, F b) {
    return make<F>([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
  }
  static F abs(F x) {
    return make<F>([&](int i) { return vabsq_f32(x.v[i]); });
  }
  static F zero_where_less(F value, F x, F limit) {
    return make<F>([&](int i) {
      return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(value.v[i]), vcltq_f32(x.v[i], limit.v[i])));
    });
  }
  static F keep_lanes(F x, int begin, int end, float other) {
    constexpr std::int32_t first_four[4] = {0, 1, 2, 3};
    return make<F>([&](int i) {
      const int32x4_t lane = vaddq_s32(vld1q_s32(first_four), vdupq_n_s32(4 * i));
      const uint32x4_t keep = vandq_u32(vcgeq_s32(lane, vdupq_n_s32(begin)), vcltq_s32(lane, vdupq_n_s32(end)));
      return vbslq_f32(keep, x.v[i], vdupq_n_f32(other));
    });
  }
  /// x · 2^n, where n is in the low bits of `shifted`.
  static F scale_by_exponent(F x, F shifted) {
    return make<F>([&](int i) {
      const int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(shifted.v[i]), 23);
      return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x.v[i]), exponent));
    });
  }
  static float max_lanes(F x) { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[1]), vmaxq_f32(x.v[2], x.v[3]))); }
  static float first_lane(F x) { return vgetq_lane_f32(x.v[0], 0); }
  /// Halves are added to halves: ((lane 0 + lane 8) + (lane 4 + lane 12)) + …, as every instruction set does it.
  static float sum_lanes(F x) {
    const float32x4_t four = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
    return vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)));
  }

  static I zero_i() {
    return make<I>([](int) { return vdupq_n_s32(0); });
  }
  static I broadcast_i(const std::int32_t* at) {
    return make<I>([&](int) { return vdupq_n_s32(*at); });
  }
  template <int N>
  static I shift_right(I x) {
    if constexpr (N == 0)
      return x;
    else
      return make<I>([&](int i) { return vshrq_n_s32(x.v[i], N); });
  }
  static F to_float(I x) {
    return make<F>([&](int i) { return vcvtq_f32_s32(x.v[i]); });
  }

  static B load_bytes(const std::byte* at) {
    return make<B>([&](int i) { return load_16(at + 16 * i); });
  }
  static void store_bytes(std::byte* at, B x) {
    for (int i = 0; i < 4; ++i) vst1q_u8(reinterpret_cast<std::uint8_t*>(at + 16 * i), x.v[i]);
  }
  static B low_nibbles(B x) {
    return make<B>([&](int i) { return vandq_u8(x.v[i], vdupq_n_u8(15)); });
  }
  static B high_nibbles(B x) {
    return make<B>([&](int i) { return vshrq_n_u8(x.v[i], 4); });
  }
  static B join_low(B high, B low) {
    return make<B>([&](int i) { return vsliq_n_u8(vandq_u8(low.v[i], vdupq_n_u8(15)), high.v[i], 4); });
  }
  static B join_high(B high, B low) {
    return make<B>([&](int i) { return vsriq_n_u8(high.v[i], low.v[i], 4); });
  }
  static B bit_or(B a, B b) {
    return make<B>([&](int i) { return vorrq_u8(a.v[i], b.v[i]); });
  }
  static B add_bytes(B x, int value) {
    return make<B>([&](int i) { return vaddq_u8(x.v[i], vdupq_n_u8(static_cast<std::uint8_t>(value))); });
  }
  static B add_bit(B x, const std::byte* bits, int value) {
    constexpr std::uint8_t one_bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t added = vdupq_n_u8(static_cast<std::uint8_t>(value));
    return make<B>([&](int i) {
      const auto* at = reinterpret_cast<const std::uint8_t*>(bits + 2 * i);
      const uint8x16_t spread = vcombine_u8(vld1_dup_u8(at), vld1_dup_u8(at + 1));
      return vaddq_u8(x.v[i], vandq_u8(vtstq_u8(spread, vld1q_u8(one_bit)), added));
    });
  }
  /// Bits [Shift, Shift + 2) of every byte, moved to bits 4 and 5.
  template <int Shift>
  static B two_bits_at_4(B x) {
    return make<B>([&](int i) {
      if constexpr (Shift <= 4)
        return vandq_u8(vshlq_n_u8(x.v[i], 4 - Shift), vdupq_n_u8(0x30));
      else
        return vandq_u8(vshrq_n_u8(x.v[i], Shift - 4), vdupq_n_u8(0x30));
    });
  }
  static B broadcast_quad(const std::int8_t* at) {
    std::uint32_t quad;
    __builtin_memcpy(&quad, at, sizeof quad);
    return make<B>([&](int) { return vreinterpretq_u8_u32(vdupq_n_u32(quad)); });
  }
#if defined(__ARM_FEATURE_MATMUL_INT8)
  static constexpr bool small_codes = false, signed_codes = false;
  template <int Bits>
  static I dot(I acc, B w, B x) {
    return make<I>([&](int i) { return vusdotq_s32(acc.v[i], w.v[i], vreinterpretq_s8_u8(x.v[i])); });
  }
#else
  static constexpr bool small_codes = true, signed_codes = true;
  static I dot_signed(I acc, B w, B x) {
    const int8x16_t values = vreinterpretq_s8_u8(x.v[0]);
    return make<I>([&](int i) { return vdotq_s32(acc.v[i], vreinterpretq_s8_u8(w.v[i]), values); });
  }
  /// Signed products: of codes below 128 as they are; of others w − 128, and 128 times the activations, which are the
  /// same in every lane.
  template <int Bits>
  static I dot(I acc, B w, B x) {
    const int8x16_t values = vreinterpretq_s8_u8(x.v[0]), half = vdupq_n_s8(64);
    if constexpr (Bits < 8) {
      return make<I>([&](int i) { return vdotq_s32(acc.v[i], vreinterpretq_s8_u8(w.v[i]), values); });
    } else {
      const int32x4_t offset = vdotq_s32(vdotq_s32(vdupq_n_s32(0), half, values), half, values);
      return make<I>([&](int i) {
        const int8x16_t codes = vreinterpretq_s8_u8(veorq_u8(w.v[i], vdupq_n_u8(128)));
        return vdotq_s32(vaddq_s32(acc.v[i], offset), codes, values);
      });
    }
  }
#endif

 private:
  template <class T, class Part>
  static T make(Part&& part) {
    return {{part(0), part(1), part(2), part(3)}};
  }
  static F from_u8(uint8x16_t bytes) {
    const uint16x8_t words[2] = {vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes)};
    return make<F>([&](int i) {
      return vcvtq_f32_u32(i % 2 ? vmovl_high_u16(words[i / 2]) : vmovl_u16(vget_low_u16(words[i / 2])));
    });
  }
  static uint8x16_t load_16(const std::byte* at) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at)); }
  /// Four 16-bit numbers; a panel's are aligned to more than their size.
  static uint16x4_t load_halves(const std::byte* at, int i) {
    return vld1_u16(reinterpret_cast<const std::uint16_t*>(at) + 4 * i);
  }
};

}  // namespace
}  // namespace sw
