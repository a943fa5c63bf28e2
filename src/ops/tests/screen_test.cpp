// The screen of a head must give the k largest products bit for bit, whatever the weights look like.
#include <algorithm>
#include <cstring>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::Aligned;
using testing::EveryTable;
using testing::OwnedActivations;
using testing::OwnedMatrix;
using testing::Random;

struct Head {
  OwnedMatrix split, plain;

  /// Q8_0 rows that `value(row, column)` gives, packed both ways.
  template <class Value>
  Head(std::int64_t rows, std::int64_t cols, Value&& value)
      : split(Packing::q8_split, rows, cols), plain(Packing::q8_0, rows, cols) {
    const std::size_t stride = static_cast<std::size_t>(cols) / 32 * 34;
    std::vector<std::byte> stored(static_cast<std::size_t>(rows) * stride);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t b = 0; b < cols / 32; ++b) {
        float most = 0;
        float values[32];
        for (int i = 0; i < 32; ++i) most = std::max(most, std::abs(values[i] = value(r, 32 * b + i)));
        std::byte* block = stored.data() + static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(b) * 34;
        const std::uint16_t scale = f32_to_f16(most / 127);
        std::memcpy(block, &scale, 2);
        for (int i = 0; i < 32; ++i)
          block[2 + i] = static_cast<std::byte>(
              static_cast<std::int8_t>(most > 0 ? std::clamp(std::round(values[i] * 127 / most), -127.0f, 127.0f) : 0));
      }
    for (OwnedMatrix* matrix : {&split, &plain})
      for (std::int64_t p = 0; p < matrix->view.panels(); ++p) {
        const std::byte* sources[panel_rows];
        for (int i = 0; i < panel_rows; ++i) {
          const std::int64_t row = p * panel_rows + i;
          sources[i] = row < rows ? stored.data() + static_cast<std::size_t>(row) * stride : nullptr;
        }
        kernels().pack(DType::q8_0, sources, matrix->view, p);
      }
  }
};

float length_of(const Activations& x) {
  double square = 0;
  for (std::int64_t k = 0; k < x.cols; ++k) square += std::pow(static_cast<double>(x.scales[k / 32]) * x.q8[k], 2);
  return static_cast<float>(std::sqrt(square) * (1 + 1e-6));
}

class ScreenedHead : public EveryTable {
 protected:
  /// Screens in pieces of `grain` panels by two alternating "threads"; returns how many rows were computed.
  std::int64_t check(const Head& head, const Activations& x, int k, std::int64_t grain) {
    const PackedMatrix& w = head.split.view;
    Aligned<float> want(w.rows), got(w.rows);
    const Aligned<std::byte> scratch(static_cast<std::int64_t>(matmul_scratch_bytes(w.cols)));
    reference().matmul(head.plain.view, 0, w.panels(), x, {.y = want.get(), .stride = w.rows}, scratch.get());
    std::atomic<float> threshold = -INFINITY;
    std::vector<float> best(2 * static_cast<std::size_t>(k), -INFINITY);
    for (std::int64_t p = 0; p < w.panels(); p += grain)
      table().screen(w, p, std::min(p + grain, w.panels()), x,
                     {.k = k,
                      .length = length_of(x),
                      .best = best.data() + p / grain % 2 * k,
                      .threshold = &threshold,
                      .scratch = scratch.get()},
                     got.get());
    std::vector<float> sorted(want.span().begin(), want.span().end());
    std::ranges::sort(sorted, std::greater<>());
    const float least = sorted[std::min<std::size_t>(static_cast<std::size_t>(k), sorted.size()) - 1];
    std::int64_t computed = 0;
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const bool left_out = got[r] == -INFINITY;
      computed += !left_out;
      EXPECT_TRUE(testing::same(got[r], want[r]) || (left_out && want[r] < least))
          << "row " << r << ": " << got[r] << " for " << want[r] << ", the " << k << "th largest is " << least;
    }
    return computed;
  }
};
INSTANTIATE_TEST_SUITE_P(, ScreenedHead, testing::every_table, testing::table_name);

OwnedActivations one_row(const std::vector<float>& values) {
  OwnedActivations x(1, static_cast<std::int64_t>(values.size()));
  EveryTable::reference().prepare(values.data(), 0, 0, x.view.cols, {.q8 = true}, x.view);
  return x;
}

TEST_P(ScreenedHead, gives_the_largest_products_of_gaussian_rows) {
  Random random(11);
  for (const std::int64_t cols : {32, 96, 896}) {
    const Head head(1000, cols, [&](auto, auto) { return random.normal(0.03f); });
    for (const int k : {1, 5, 40})
      for (const std::int64_t grain : {1, 7, 64}) check(head, one_row(random.normals(cols, 3)).view, k, grain);
  }
}

TEST_P(ScreenedHead, gives_the_largest_products_where_columns_have_outliers_and_rows_differ_in_length) {
  Random random(12);
  const Head head(2000, 256, [&](auto r, auto c) {
    return random.normal(0.02f) * (c % 64 == 3 ? 20.0f : 1.0f) * (1.0f + static_cast<float>(r % 13));
  });
  for (int i = 0; i < 10; ++i) {
    auto values = random.normals(256);
    values[static_cast<std::size_t>(random.integer(0, 255))] *= 50;
    check(head, one_row(values).view, 1 + i, 16);
  }
}

TEST_P(ScreenedHead, keeps_every_row_of_a_tie) {
  Random random(13);
  const auto row = random.normals(64);
  const Head head(333, 64, [&](auto r, auto c) { return r % 3 == 0 ? row[static_cast<std::size_t>(c)] : 0.0f; });
  check(head, one_row(row).view, 1, 4);
  check(head, one_row(std::vector<float>(64, 0.0f)).view, 3, 4);
}

TEST_P(ScreenedHead, reads_few_low_nibbles_once_the_threshold_has_risen) {
  if (&table() == &reference()) return;  // computes everything
  Random random(14);
  const Head head(16384, 256, [&](auto, auto) { return random.normal(0.03f); });
  EXPECT_LT(check(head, one_row(random.normals(256)).view, 1, 64), 16384 / 4);
}

}  // namespace
}  // namespace sw
