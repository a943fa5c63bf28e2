// Mamba's convolution and scan.
#include <algorithm>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::EveryTable;
using testing::first_difference;
using testing::Random;

struct Convolution {
  int tokens, inner, taps;
  std::vector<float> x, weight, bias, history, y;

  Convolution(int n_tokens, int n_inner, int n_taps, Random& random)
      : tokens(n_tokens),
        inner(n_inner),
        taps(n_taps),
        x(random.normals(n_tokens * stride())),
        weight(random.normals(n_taps * n_inner)),
        bias(random.normals(n_inner)),
        history(random.normals((n_taps - 1) * n_inner)),
        y(static_cast<std::size_t>(n_tokens * stride()), 0.625f) {}

  int stride() const { return inner + 5; }
  /// Tokens [from, to), channels [begin, end).
  void run(const Kernels& table, int from, int to, int begin, int end) {
    table.conv(x.data() + from * stride(), stride(), to - from, inner, taps, weight.data(), bias.data(), history.data(),
               y.data() + from * stride(), stride(), begin, end);
  }
};

class Conv : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Conv, testing::every_table, testing::table_name);

TEST_P(Conv, is_the_convolution_of_the_history_and_the_tokens) {
  Random random(1);
  for (const int inner : {1, 16, 40, 100})
    for (const int taps : {1, 2, 4}) {
      Convolution c(7, inner, taps, random);
      const std::vector<float> history = c.history;
      c.run(table(), 0, 7, 0, inner);
      const auto input = [&](int t, int channel) {  // t < 0: before the first token
        return t < 0 ? history[static_cast<std::size_t>((taps - 1 + t) * inner + channel)]
                     : c.x[static_cast<std::size_t>(t * c.stride() + channel)];
      };
      for (int channel = 0; channel < inner; ++channel) {
        for (int t = 0; t < 7; ++t) {
          double sum = c.bias[static_cast<std::size_t>(channel)];
          for (int tap = 0; tap < taps; ++tap)
            sum +=
                double{c.weight[static_cast<std::size_t>(tap * inner + channel)]} * input(t - taps + 1 + tap, channel);
          ASSERT_NEAR(c.y[static_cast<std::size_t>(t * c.stride() + channel)], sum / (1 + std::exp(-sum)), 3e-6);
        }
        for (int tap = 0; tap < taps - 1; ++tap)
          ASSERT_EQ(c.history[static_cast<std::size_t>(tap * inner + channel)], input(7 - taps + 1 + tap, channel));
      }
    }
}

TEST_P(Conv, does_not_depend_on_how_tokens_and_channels_are_cut) {
  Random random(2);
  constexpr int inner = 75;
  Convolution whole(9, inner, 4, random), parts = whole;
  whole.run(table(), 0, 9, 0, inner);
  for (const auto& [from, to] : {std::pair(0, 1), {1, 3}, {3, 9}})
    for (const auto& [begin, end] : {std::pair(0, 16), {16, 43}, {43, inner}}) parts.run(table(), from, to, begin, end);
  EXPECT_EQ(first_difference(whole.y, parts.y), -1);
  EXPECT_EQ(first_difference(whole.history, parts.history), -1);
}

TEST_P(Conv, leaves_other_channels_alone) {
  Random random(3);
  Convolution c(3, 50, 4, random);
  const Convolution before = c;
  c.run(table(), 0, 3, 20, 37);
  for (int i = 0; i < 3 * c.stride(); ++i) {
    if (i % c.stride() < 20 || i % c.stride() >= 37) {
      ASSERT_EQ(c.y[static_cast<std::size_t>(i)], 0.625f);
    }
  }
  for (int i = 0; i < 3 * 50; ++i) {
    if (i % 50 < 20 || i % 50 >= 37) {
      ASSERT_EQ(c.history[static_cast<std::size_t>(i)], before.history[static_cast<std::size_t>(i)]);
    }
  }
}

struct SelectiveScan {
  int tokens, inner, state, stride, bc_stride;
  std::vector<float> u, z, dt, b, c, a, d, h, y;

  SelectiveScan(int n_tokens, int n_inner, int n_state, Random& random)
      : tokens(n_tokens),
        inner(n_inner),
        state(n_state),
        stride(n_inner + 3),
        bc_stride(n_state + 2),
        u(random.normals(n_tokens * stride)),
        z(random.normals(n_tokens * stride)),
        dt(random.normals(n_tokens * stride, 3)),
        b(random.normals(n_tokens * bc_stride)),
        c(random.normals(n_tokens * bc_stride)),
        a(random.normals(n_state * n_inner)),
        d(random.normals(n_inner)),
        h(random.normals(n_state * n_inner)),
        y(static_cast<std::size_t>(n_tokens * stride), 0.625f) {
    for (float& v : a) v = -std::exp(v);
    dt[0] = 40;  // where softplus is the identity
    dt[1] = -60;
  }

  void run(const Kernels& table, int from, int to, int begin, int end) {
    const ScanArgs args = {.u = u.data() + from * stride,
                           .z = z.data() + from * stride,
                           .dt = dt.data() + from * stride,
                           .b = b.data() + from * bc_stride,
                           .c = c.data() + from * bc_stride,
                           .a = a.data(),
                           .d = d.data(),
                           .h = h.data(),
                           .y = y.data() + from * stride,
                           .u_stride = stride,
                           .z_stride = stride,
                           .dt_stride = stride,
                           .bc_stride = bc_stride,
                           .y_stride = stride,
                           .tokens = to - from,
                           .inner = inner,
                           .state = state};
    table.scan(args, begin, end);
  }
};

class Scan : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Scan, testing::every_table, testing::table_name);

TEST_P(Scan, follows_the_recurrence) {
  Random random(4);
  for (const int inner : {2, 16, 45})
    for (const int state : {1, 8, 16}) {
      SelectiveScan s(11, inner, state, random);
      const SelectiveScan before = s;
      s.run(table(), 0, 11, 0, inner);
      for (int channel = 0; channel < inner; ++channel) {
        const auto at = [&](const std::vector<float>& v, int row, int row_stride, int column) {
          return double{v[static_cast<std::size_t>(row * row_stride + column)]};
        };
        std::vector<double> h;
        for (int i = 0; i < state; ++i) h.push_back(at(before.h, i, inner, channel));
        for (int t = 0; t < 11; ++t) {
          const double delta = std::log1p(std::exp(at(s.dt, t, s.stride, channel)));
          const double u = at(s.u, t, s.stride, channel), z = at(s.z, t, s.stride, channel);
          double y = at(s.d, 0, 0, channel) * u, size = std::fabs(y);
          for (int i = 0; i < state; ++i) {
            double& hi = h[static_cast<std::size_t>(i)];
            hi = std::exp(delta * at(s.a, i, inner, channel)) * hi + delta * at(s.b, t, s.bc_stride, i) * u;
            y += at(s.c, t, s.bc_stride, i) * hi;
            size += std::fabs(at(s.c, t, s.bc_stride, i) * hi);
          }
          const double gate = z / (1 + std::exp(-z));
          ASSERT_NEAR(at(s.y, t, s.stride, channel), y * gate, 1e-5 * (1 + size)) << t << " of channel " << channel;
        }
        for (int i = 0; i < state; ++i)
          ASSERT_NEAR(at(s.h, i, inner, channel), h[static_cast<std::size_t>(i)],
                      1e-5 * (1 + std::fabs(h[static_cast<std::size_t>(i)])));
      }
    }
}

TEST_P(Scan, time_steps_are_softplus_to_a_few_units_in_the_last_place) {
  Random random(6);
  constexpr int inner = 1000;
  SelectiveScan s(1, inner, 1, random);
  for (int c = 0; c < inner; ++c) {
    const auto i = static_cast<std::size_t>(c);
    s.dt[i] = static_cast<float>(-80 + 0.12 * c);
    s.u[i] = 1;
    s.h[i] = s.d[i] = 0;
  }
  s.b[0] = 1;
  s.run(table(), 0, 1, 0, inner);  // h = softplus(dt)
  for (int c = 0; c < inner; ++c) {
    const double want = std::log1p(std::exp(double{s.dt[static_cast<std::size_t>(c)]}));
    ASSERT_NEAR(s.h[static_cast<std::size_t>(c)] / want, 1, 5e-7) << s.dt[static_cast<std::size_t>(c)];
  }
}

TEST_P(Scan, does_not_depend_on_how_tokens_and_channels_are_cut) {
  Random random(5);
  constexpr int inner = 75;
  SelectiveScan whole(9, inner, 16, random), parts = whole;
  whole.run(table(), 0, 9, 0, inner);
  for (const auto& [from, to] : {std::pair(0, 1), {1, 3}, {3, 9}})
    for (const auto& [begin, end] : {std::pair(0, 16), {16, 43}, {43, inner}}) parts.run(table(), from, to, begin, end);
  EXPECT_EQ(first_difference(whole.y, parts.y), -1);
  EXPECT_EQ(first_difference(whole.h, parts.h), -1);
}

TEST_P(Scan, leaves_other_channels_alone) {
  Random random(6);
  SelectiveScan s(3, 50, 8, random);
  const SelectiveScan before = s;
  s.run(table(), 0, 3, 20, 37);
  for (int i = 0; i < 3 * s.stride; ++i) {
    if (i % s.stride < 20 || i % s.stride >= 37) {
      ASSERT_EQ(s.y[static_cast<std::size_t>(i)], 0.625f);
    }
  }
  for (int i = 0; i < 8 * 50; ++i) {
    if (i % 50 < 20 || i % 50 >= 37) {
      ASSERT_EQ(s.h[static_cast<std::size_t>(i)], before.h[static_cast<std::size_t>(i)]);
    }
  }
}

}  // namespace
}  // namespace sw
