// Elementary functions on 16 lanes, the same bits on every instruction set: only multiplications, additions and fused
// multiply-adds in a fixed order.
#pragma once

namespace sw::generic {

/// e^x for x ≤ 88; 0 below −87.3, where the result would be subnormal. Relative error < 2e-7.
template <class S>
typename S::F exp(typename S::F x) {
  using F = typename S::F;
  // x = n·ln2 + r with |r| ≤ ln2/2: adding 1.5·2^23 leaves round(x / ln2) in the low bits.
  const F magic = S::set(12582912.0f);
  const F clamped = S::min(x, S::set(88.0f));
  const F shifted = S::fma(clamped, S::set(1.44269504088896341f), magic);
  const F n = S::sub(shifted, magic);
  F r = S::fma(n, S::set(-0.693145751953125f), clamped);
  r = S::fma(n, S::set(-1.42860682030941723212e-6f), r);
  // Taylor's series to the 7th power: on |r| ≤ 0.3466 its remainder is below half a unit in the last place.
  F p = S::set(1.0f / 5040);
  p = S::fma(p, r, S::set(1.0f / 720));
  p = S::fma(p, r, S::set(1.0f / 120));
  p = S::fma(p, r, S::set(1.0f / 24));
  p = S::fma(p, r, S::set(1.0f / 6));
  p = S::fma(p, r, S::set(0.5f));
  p = S::fma(p, r, S::set(1.0f));
  p = S::fma(p, r, S::set(1.0f));
  return S::zero_where_less(S::scale_by_exponent(p, shifted), x, S::set(-87.3f));
}

/// 1 − 2 / (e^{2x} + 1)
template <class S>
typename S::F tanh(typename S::F x) {
  const auto e = generic::exp<S>(S::add(x, x));
  return S::sub(S::set(1.0f), S::div(S::set(2.0f), S::add(e, S::set(1.0f))));
}

/// x / (1 + e^{−x})
template <class S>
typename S::F silu(typename S::F x) {
  return S::div(x, S::add(S::set(1.0f), generic::exp<S>(S::sub(S::zero(), x))));
}

/// 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))  (Hendrycks & Gimpel 2016)
template <class S>
typename S::F gelu_tanh(typename S::F x) {
  const auto cube = S::mul(S::mul(x, x), x);
  const auto inner = S::mul(S::set(0.7978845608028654f), S::fma(cube, S::set(0.044715f), x));
  return S::mul(S::mul(S::set(0.5f), x), S::add(S::set(1.0f), generic::tanh<S>(inner)));
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + u) with u = e^−|x|, and ln(1 + u) = 2·artanh(u / (2 + u)), whose argument is at most
/// a third: the series to the 15th power leaves less than 2e-8 of it. Relative error < 3e-7, above x = −87.3.
template <class S>
typename S::F softplus(typename S::F x) {
  using F = typename S::F;
  const F u = generic::exp<S>(S::sub(S::zero(), S::abs(x)));
  const F s = S::div(u, S::add(S::set(2.0f), u));
  const F square = S::mul(s, s);
  F sum = S::set(1.0f / 15);
  sum = S::fma(sum, square, S::set(1.0f / 13));
  sum = S::fma(sum, square, S::set(1.0f / 11));
  sum = S::fma(sum, square, S::set(1.0f / 9));
  sum = S::fma(sum, square, S::set(1.0f / 7));
  sum = S::fma(sum, square, S::set(1.0f / 5));
  sum = S::fma(sum, square, S::set(1.0f / 3));
  sum = S::fma(sum, square, S::set(1.0f));
  return S::fma(S::add(s, s), sum, S::max(x, S::zero()));
}

/// Calls f(i, n) for the lanes [i, i + n) of every 16 of `count`.
template <class F>
void for_lanes(long count, F&& f) {
  long i = 0;
  for (; i + 16 <= count; i += 16) f(i, 16);
  if (i < count) f(i, static_cast<int>(count - i));
}

/// Loads and stores that touch only the first n lanes (a whole register when n is 16).
template <class S>
typename S::F load_n(const float* at, int n) {
  return n == 16 ? S::load(at) : S::load_first(at, n);
}
template <class S>
void store_n(float* at, typename S::F value, int n) {
  if (n == 16)
    S::store(at, value);
  else
    S::store_first(at, value, n);
}

}  // namespace sw::generic
