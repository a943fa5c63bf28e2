// Every kernel's backward against finite differences of its forward, over random shapes, on every instruction set.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "train/bf16_gemm.hpp"
#include "train/kernels.hpp"
#include "train/random.hpp"

namespace sw::train {
namespace {

using Vector = std::vector<float>;
using Inputs = std::vector<Vector>;

std::vector<const Kernels*> tables() {
  std::vector<const Kernels*> found;
  for (const char* isa : {"reference", "avx2", "avx512"})
    if (const Kernels* k = find_kernels(isa)) found.push_back(k);
  return found;
}

Vector noise(std::size_t n, const std::string& name, float deviation = 1) {
  const Stream stream(7, name);
  Vector out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = deviation * static_cast<float>(stream.normal(i));
  return out;
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// `forward` maps inputs to an outcome; `backward` maps inputs and the outcome's gradient to the inputs' gradients.
/// Along a random direction of each input, the slope of a random weighting of the outcome must be what the gradient
/// says.
void check_gradients(Inputs inputs, const std::function<Vector(const Inputs&)>& forward,
                     const std::function<Inputs(const Inputs&, const Vector&)>& backward, double tolerance = 5e-3) {
  const Vector weights = noise(forward(inputs).size(), "weights");
  const Inputs gradients = backward(inputs, weights);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Vector direction = noise(inputs[i].size(), "direction " + std::to_string(i));
    const auto along = [&](float step) {
      Inputs moved = inputs;
      for (std::size_t j = 0; j < direction.size(); ++j) moved[i][j] += step * direction[j];
      return dot(forward(moved), weights);
    };
    constexpr float h = 4e-3f;  // Five points: the error is of order h⁴.
    const double slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
    const double claimed = dot(gradients[i], direction);
    const double size = std::sqrt(dot(gradients[i], gradients[i])) + 1;
    RC_LOG() << "input " << i << ": slope " << slope << ", gradient " << claimed << "\n";
    RC_ASSERT(std::abs(slope - claimed) <= tolerance * size);
  }
}

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

int between(int low, int high) {
  return *rc::gen::inRange(low, high + 1);
}

RC_GTEST_PROP(Gradients, OfRmsNormAreItsSlopes, ()) {
  const int n = between(1, 70);
  for (const Kernels* k : tables())
    check_gradients(
        {noise(size(n), "x"), noise(size(n), "weight")},
        [&](const Inputs& in) {
          Vector y(size(n));
          k->rms_norm(in[0].data(), in[1].data(), 1e-2f, n, y.data());
          return y;
        },
        [&](const Inputs& in, const Vector& dy) {
          Vector y(size(n)), dx(size(n)), d_weight(size(n));
          const float r = k->rms_norm(in[0].data(), in[1].data(), 1e-2f, n, y.data());
          k->rms_norm_backward(dy.data(), in[0].data(), in[1].data(), r, n, dx.data(), d_weight.data());
          return Inputs{dx, d_weight};
        });
}

RC_GTEST_PROP(Gradients, OfActivationsAreTheirSlopes, ()) {
  const int n = between(1, 70);
  const bool gated = *rc::gen::arbitrary<bool>();
  const auto f = *rc::gen::element(Activation::silu, Activation::gelu_tanh, Activation::gelu_erf);
  for (const Kernels* k : tables())
    check_gradients(
        {noise(size(n), "gate"), noise(size(n), "up")},
        [&](const Inputs& in) {
          Vector h(size(n));
          k->activate(in[0].data(), gated ? in[1].data() : nullptr, f, n, h.data());
          return h;
        },
        [&](const Inputs& in, const Vector& dh) {
          Vector gate = in[0], up = in[1], h(size(n)), again(size(n));
          k->activate(gate.data(), gated ? up.data() : nullptr, f, n, again.data());
          k->activate_backward(dh.data(), gate.data(), gated ? up.data() : nullptr, f, n, h.data());
          for (std::size_t i = 0; i < h.size(); ++i) RC_ASSERT(std::abs(h[i] - again[i]) < 1e-5f);
          return Inputs{gate, gated ? up : Vector(size(n))};
        });
}

RC_GTEST_PROP(Gradients, OfGatesAndSoftcapsAreTheirSlopes, ()) {
  const int n = between(1, 70);
  for (const Kernels* k : tables()) {
    check_gradients(
        {noise(size(n), "x"), noise(size(n), "z")},
        [&](const Inputs& in) {
          Vector y(size(n));
          k->gate(in[0].data(), in[1].data(), n, y.data());
          return y;
        },
        [&](const Inputs& in, const Vector& dy) {
          Vector dx(size(n)), dz(size(n));
          k->gate_backward(dy.data(), in[0].data(), in[1].data(), n, dx.data(), dz.data());
          return Inputs{dx, dz};
        });
    check_gradients(
        {noise(size(n), "x")},
        [&](const Inputs& in) {
          Vector y = in[0];
          k->softcap(y.data(), 1.5f, n);
          return y;
        },
        [&](const Inputs& in, const Vector& dy) {
          Vector y = in[0], d = dy;
          k->softcap(y.data(), 1.5f, n);
          k->softcap_backward(d.data(), y.data(), 1.5f, n);
          return Inputs{d};
        });
  }
}

RC_GTEST_PROP(Rotations, BackwardsUndoThemselves, ()) {
  const int pairs = between(1, 40);
  const auto layout = *rc::gen::element(RopeLayout::half, RopeLayout::interleaved);
  Vector cos(size(pairs)), sin(size(pairs));
  for (std::size_t i = 0; i < cos.size(); ++i) {
    cos[i] = std::cos(static_cast<float>(i) + 0.5f);
    sin[i] = std::sin(static_cast<float>(i) + 0.5f);
  }
  for (const Kernels* k : tables()) {
    const Vector head = noise(size(2 * pairs), "head");
    Vector turned = head;
    k->rope(turned.data(), cos.data(), sin.data(), pairs, layout, 1);
    RC_ASSERT(std::abs(turned[0] - head[0]) > 1e-3f);
    k->rope(turned.data(), cos.data(), sin.data(), pairs, layout, -1);
    for (std::size_t i = 0; i < head.size(); ++i) RC_ASSERT(std::abs(turned[i] - head[i]) < 1e-5f);
  }
}

struct AttentionShape {
  int tokens, group, head_dim, window;
  float softcap;
};

struct AttentionRun {
  AttentionShape shape;
  Vector out = Vector(size(shape.tokens * shape.group * shape.head_dim));
  Vector lse = Vector(size(shape.tokens * shape.group));
  Vector scratch = Vector(size(attention_scratch(shape.tokens, shape.head_dim)));

  AttentionArgs arguments(const Inputs& in) {
    return {.q = in[0].data(),
            .k = in[1].data(),
            .v = in[2].data(),
            .q_stride = shape.group * shape.head_dim,
            .kv_stride = shape.head_dim,
            .tokens = shape.tokens,
            .group = shape.group,
            .head_dim = shape.head_dim,
            .window = shape.window,
            .scale = 0.7f,
            .softcap = shape.softcap,
            .out = out.data(),
            .lse = lse.data(),
            .lse_stride = shape.group,
            .scratch = scratch.data()};
  }
};

AttentionShape any_attention() {
  return {.tokens = between(1, 150),
          .group = between(1, 3),
          .head_dim = between(1, 40),
          .window = *rc::gen::element(0, 1, 7, 64, 70),
          .softcap = *rc::gen::element(0.0f, 2.0f)};
}

Inputs attention_inputs(const AttentionShape& s) {
  const float deviation = 1 / std::sqrt(static_cast<float>(s.head_dim));
  return {noise(size(s.tokens * s.group * s.head_dim), "q", deviation), noise(size(s.tokens * s.head_dim), "k"),
          noise(size(s.tokens * s.head_dim), "v")};
}

RC_GTEST_PROP(Attention, IsWhatItsDefinitionSays, ()) {
  const AttentionShape s = any_attention();
  const Inputs in = attention_inputs(s);
  for (const Kernels* k : tables()) {
    AttentionRun run{s};
    k->attention.forward(run.arguments(in));
    for (int t = 0; t < s.tokens; ++t)
      for (int h = 0; h < s.group; ++h) {
        std::vector<double> p;
        const int first = s.window > 0 ? std::max(0, t - s.window + 1) : 0;
        double sum = 0;
        for (int j = first; j <= t; ++j) {
          double score = 0;
          for (int c = 0; c < s.head_dim; ++c)
            score += 0.7 * in[0][size((t * s.group + h) * s.head_dim + c)] * in[1][size(j * s.head_dim + c)];
          if (s.softcap > 0) score = s.softcap * std::tanh(score / s.softcap);
          p.push_back(std::exp(score));
          sum += p.back();
        }
        for (int c = 0; c < s.head_dim; ++c) {
          double want = 0;
          for (int j = first; j <= t; ++j) want += p[size(j - first)] / sum * in[2][size(j * s.head_dim + c)];
          RC_ASSERT(std::abs(run.out[size((t * s.group + h) * s.head_dim + c)] - want) < 1e-5);
        }
      }
  }
}

RC_GTEST_PROP(Gradients, OfAttentionAreItsSlopes, ()) {
  const AttentionShape s = any_attention();
  for (const Kernels* k : tables())
    check_gradients(
        attention_inputs(s),
        [&](const Inputs& in) {
          AttentionRun run{s};
          k->attention.forward(run.arguments(in));
          return run.out;
        },
        [&](const Inputs& in, const Vector& d_out) {
          AttentionRun run{s};
          const AttentionArgs arguments = run.arguments(in);
          k->attention.forward(arguments);
          Inputs gradients = {d_out, in[1], in[2]};
          k->attention.backward(arguments, {.d_out = gradients[0].data(),
                                            .d_q = gradients[0].data(),
                                            .d_k = gradients[1].data(),
                                            .d_v = gradients[2].data()});
          return gradients;
        });
}

/// The outcome of attention, and the gradients of q, k and v.
Inputs attention_and_gradients(const AttentionKernels& k, const AttentionShape& s, const Inputs& in,
                               const Vector& d_out) {
  AttentionRun run{s};
  const AttentionArgs arguments = run.arguments(in);
  k.forward(arguments);
  Inputs all = {run.out, d_out, in[1], in[2]};
  k.backward(arguments, {.d_out = all[1].data(), .d_q = all[1].data(), .d_k = all[2].data(), .d_v = all[3].data()});
  return all;
}

double longest_row(const Vector& x, int cols) {
  double longest = 0;
  for (std::size_t row = 0; row < x.size(); row += size(cols)) {
    const Vector values(x.begin() + static_cast<std::ptrdiff_t>(row),
                        x.begin() + static_cast<std::ptrdiff_t>(row) + cols);
    longest = std::max(longest, dot(values, values));
  }
  return std::sqrt(longest);
}

Vector lengths(Vector x) {
  for (float& value : x) value = std::abs(value);
  return x;
}

// A factor in BF16 is wrong by at most 2⁻⁹ of itself, so a sum of products by 2⁻⁸ of what it would be if nothing in it
// cancelled out, and weights have products behind them already. Scores' gradients are differences of two sums that are at
// most as long as d_out and v; queries' and keys' gradients are these differences times keys and queries.
RC_GTEST_PROP(Attention, ByPairsOfBf16IsRightUpToTheirRounding, ()) {
  const auto pairs = make_pairs_gemm(1);
  if (!pairs) return;  // there is none to test
  const AttentionShape s = any_attention();
  const Inputs in = attention_inputs(s);
  const Vector d_out = noise(in[0].size(), "d_out");
  const AttentionKernels& fp32 = kernels().attention;
  const Inputs want = attention_and_gradients(fp32, s, in, d_out);
  const Inputs got = attention_and_gradients(pairs->attention(), s, in, d_out);
  const Inputs all_added = attention_and_gradients(fp32, s, {in[0], in[1], lengths(in[2])}, lengths(d_out));
  const double of_scores = 0.7 * std::sqrt(dot(d_out, d_out)) * longest_row(in[2], s.head_dim);
  const double longest[] = {std::sqrt(dot(all_added[0], all_added[0])), of_scores * longest_row(in[1], s.head_dim),
                            of_scores * longest_row(in[0], s.head_dim), std::sqrt(dot(all_added[3], all_added[3]))};
  for (std::size_t i = 0; i < want.size(); ++i) {
    double error = 0;
    for (std::size_t j = 0; j < want[i].size(); ++j) error += std::pow(double{got[i][j]} - want[i][j], 2);
    RC_ASSERT(std::sqrt(error) <= std::ldexp(longest[i], -7));
  }
}

RC_GTEST_PROP(Gradients, OfConvolutionsAreTheirSlopes, ()) {
  const int tokens = between(1, 20), inner = between(1, 40), conv = between(1, 5);
  const auto arguments = [&](const Inputs& in) {
    return ConvArgs{.x = in[0].data(),
                    .x_stride = inner,
                    .weight = in[1].data(),
                    .bias = in[2].data(),
                    .inner = inner,
                    .tokens = tokens,
                    .conv = conv};
  };
  for (const Kernels* k : tables())
    check_gradients(
        {noise(size(tokens * inner), "x"), noise(size(inner * conv), "weight"), noise(size(inner), "bias")},
        [&](const Inputs& in) {
          Vector y(size(tokens * inner));
          k->conv(arguments(in), 0, inner, y.data());
          return y;
        },
        [&](const Inputs& in, const Vector& dy) {
          Inputs out = {Vector(size(tokens * inner)), Vector(size(inner * conv)), Vector(size(inner))};
          k->conv_backward(arguments(in), 0, inner, dy.data(), out[0].data(), inner, out[1].data(), out[2].data());
          return out;
        });
}

RC_GTEST_PROP(Gradients, OfSelectiveScansAreTheirSlopes, ()) {
  const int tokens = between(1, 80), inner = between(1, 20), state = between(1, 6);
  Vector states(size((tokens / scan_chunk + 1) * state * inner)), y(size(tokens * inner)),
      scratch(size(scan_scratch(state)));
  const auto arguments = [&](const Inputs& in) {
    return ScanArgs{.u = in[0].data(),
                    .dt = in[1].data(),
                    .b = in[2].data(),
                    .c = in[3].data(),
                    .a_log = in[4].data(),
                    .d = in[5].data(),
                    .y = y.data(),
                    .states = states.data(),
                    .inner = inner,
                    .bc_stride = state,
                    .tokens = tokens,
                    .state = state};
  };
  for (const Kernels* k : tables())
    check_gradients(
        {noise(size(tokens * inner), "u"), noise(size(tokens * inner), "dt"), noise(size(tokens * state), "b"),
         noise(size(tokens * state), "c"), noise(size(inner * state), "a"), noise(size(inner), "d")},
        [&](const Inputs& in) {
          k->scan(arguments(in), 0, inner);
          return y;
        },
        [&](const Inputs& in, const Vector& dy) {
          k->scan(arguments(in), 0, inner);
          Inputs out;
          for (const Vector& v : in) out.emplace_back(v.size());
          k->scan_backward(arguments(in),
                           {.d_y = dy.data(),
                            .d_u = out[0].data(),
                            .d_dt = out[1].data(),
                            .d_b = out[2].data(),
                            .d_c = out[3].data(),
                            .d_a_log = out[4].data(),
                            .d_d = out[5].data(),
                            .d_bc_stride = state,
                            .scratch = scratch.data()},
                           0, inner);
          return out;
        });
}

}  // namespace
}  // namespace sw::train
