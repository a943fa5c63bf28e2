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

/// The same rows in panels for the product, and split for the screen.
struct Head {
  OwnedMatrix split, plain;

  void pack(DType dtype, const std::vector<std::byte>& stored, std::size_t stride) {
    for (OwnedMatrix* matrix : {&split, &plain})
      for (std::int64_t p = 0; p < matrix->view.panels(); ++p) {
        const std::byte* sources[panel_rows];
        for (int i = 0; i < panel_rows; ++i) {
          const std::int64_t row = p * panel_rows + i;
          sources[i] = row < matrix->view.rows ? stored.data() + static_cast<std::size_t>(row) * stride : nullptr;
        }
        kernels().pack(dtype, sources, matrix->view, p);
      }
  }
};

/// Rows of 16-bit floats that `value(row, column)` gives.
struct FloatHead : Head {
  template <class Value>
  FloatHead(DType dtype, std::int64_t rows, std::int64_t cols, Value&& value)
      : Head{{Packing::bf16_split, rows, cols}, {Packing::bf16_pairs, rows, cols}} {
    std::vector<std::byte> stored(static_cast<std::size_t>(rows * cols * 2));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < cols; ++c) {
        const std::uint16_t bits = dtype == DType::f16 ? f32_to_f16(value(r, c)) : f32_to_bf16(value(r, c));
        std::memcpy(&stored[static_cast<std::size_t>(r * cols + c) * 2], &bits, 2);
      }
    pack(dtype, stored, static_cast<std::size_t>(cols) * 2);
  }
};

/// Rows in Q8_0.
struct QuantizedHead : Head {
  template <class Value>
  QuantizedHead(std::int64_t rows, std::int64_t cols, Value&& value)
      : Head{{Packing::q8_split, rows, cols}, {Packing::q8_0, rows, cols}} {
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
    pack(DType::q8_0, stored, stride);
  }
};

OwnedActivations one_row(const std::vector<float>& values) {
  OwnedActivations x(1, static_cast<std::int64_t>(values.size()));
  EveryTable::reference().prepare(values.data(), 0, 0, x.view.cols, {.bf16 = true, .q8 = true}, x.view);
  return x;
}

/// What the part that a screen reads of all rows leaves out of one.
std::vector<float> left_out(const PackedMatrix& w, std::int64_t row) {
  std::vector<float> out(static_cast<std::size_t>(w.cols));
  unpack_row(w, row, out.data());
  const std::byte* panel = w.panel(row / panel_rows);
  const PanelGroup group = panel_group(w.packing);
  for (std::int64_t k = 0; k < w.cols; ++k) {
    const std::int64_t b = k / 32, i = k % 32, lane = row % panel_rows;
    const int pair = static_cast<int>(panel[group.quants_of(b) + i % 16 / 4 * 64 + 4 * lane + i % 4]);
    const auto code = static_cast<float>(i < 16 ? pair & 15 : pair >> 4);
    std::uint16_t scale;
    std::memcpy(&scale, panel + group.scales_of(b) + lane * 2, sizeof scale);
    const float read = w.packing == Packing::q8_split ? 16 * code + 7.5f - 128 : code - 7.5f;
    out[static_cast<std::size_t>(k)] -= f16_to_f32(scale) * read;
  }
  return out;
}

class ScreenedHead : public EveryTable {
 protected:
  /// Activations that are all that was left out of a row: the screen sees a product that is too small by the whole
  /// bound. Another row, seen before, is nearly as good as this one really is. `make(value)` gives a head of those
  /// weights.
  template <class Make>
  void check_the_worst_case(Make&& make) {
    constexpr std::int64_t rows = 64, cols = 256, seen = 3, hidden = 50;
    Random random(21);
    std::vector<float> weights = random.normals(rows * cols, 1e-4f);
    const auto row = [&](std::int64_t r) { return weights.data() + r * cols; };
    for (std::int64_t c = 0; c < cols; ++c) row(hidden)[c] *= 200;
    const auto value = [&](auto r, auto c) { return row(r)[c]; };
    const std::vector<float> e = left_out(make(value).split.view, hidden);
    const auto at = [](const std::vector<float>& v, std::int64_t i) { return double{v[static_cast<std::size_t>(i)]}; };
    double along = 0, length = 0;  // of e along what the screen reads, on which its product is to be 0
    for (std::int64_t c = 0; c < cols; ++c) {
      const double read = row(hidden)[c] - at(e, c);
      along += at(e, c) * read;
      length += read * read;
    }
    std::vector<float> states(e);
    double exact = 0, square = 0;
    for (std::int64_t c = 0; c < cols; ++c) {
      const double x = 100 * (at(e, c) - along / length * (row(hidden)[c] - at(e, c)));
      states[static_cast<std::size_t>(c)] = static_cast<float>(x);
      exact += row(hidden)[c] * x;
      square += x * x;
    }
    for (std::int64_t c = 0; c < cols; ++c)
      row(seen)[c] = static_cast<float>(0.9 * exact / square) * states[static_cast<std::size_t>(c)];
    const auto head = make(value);
    check(head, one_row(states).view, 1, 1);
  }

  /// Screens in pieces of `grain` panels by two alternating "threads"; returns how many rows were computed.
  std::int64_t check(const Head& head, const Activations& x, int k, std::int64_t grain) {
    const PackedMatrix& w = head.split.view;
    Aligned<float> want(w.rows), got(w.rows), bounds(w.rows);
    const Aligned<std::byte> scratch(static_cast<std::int64_t>(matmul_scratch_bytes(w.cols)));
    table().matmul(head.plain.view, 0, w.panels(), x, {.y = want.get(), .stride = w.rows}, scratch.get());
    std::atomic<float> threshold = -INFINITY;
    std::vector<float> best(2 * static_cast<std::size_t>(k), -INFINITY);
    for (std::int64_t p = 0; p < w.panels(); p += grain)
      table().screen(w, p, std::min(p + grain, w.panels()), x,
                     {.k = k,
                      .length = screening_length(x),
                      .distance = screening_distance(x),
                      .best = best.data() + p / grain % 2 * k,
                      .threshold = &threshold,
                      .scratch = scratch.get()},
                     bounds.get(), got.get());
    std::vector<float> sorted(want.span().begin(), want.span().end());
    std::ranges::sort(sorted, std::greater<>());
    const float least = sorted[std::min<std::size_t>(static_cast<std::size_t>(k), sorted.size()) - 1];
    std::int64_t computed = 0;
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const bool left_out = got[r] == -INFINITY;
      computed += !left_out;
      EXPECT_TRUE(testing::same(got[r], want[r]) || (left_out && want[r] < least))
          << "row " << r << ": " << got[r] << " for " << want[r] << ", the " << k << "th largest is " << least;
      EXPECT_TRUE(!left_out || want[r] <= bounds[r]) << "row " << r << ": " << want[r] << " above " << bounds[r];
    }
    check_race(head, x, static_cast<std::uint64_t>(k), grain);
    return computed;
  }

  /// A race, some rows apart from it; then what was left out, from the likeliest on. Most rows are computed at last, the
  /// ones with weights below 2⁻³¹ too, so the products to find are those of the same packing.
  void check_race(const Head& head, const Activations& x, std::uint64_t seed, std::int64_t grain) {
    const PackedMatrix& w = head.split.view;
    Aligned<float> want(w.rows), got(w.rows), bounds(w.rows);
    const Aligned<std::byte> scratch(static_cast<std::int64_t>(matmul_scratch_bytes(w.cols)));
    table().matmul(w, 0, w.panels(), x, {.y = want.get(), .stride = w.rows}, scratch.get());
    const auto [low, high] = std::ranges::minmax(want.span());
    const Race race(seed, 3, std::max((high - low) / 20, 1e-3f));
    std::vector<std::uint16_t> apart(static_cast<std::size_t>(w.panels()));
    const auto is_apart = [&](std::int64_t r) { return apart[static_cast<std::size_t>(r / 16)] >> r % 16 & 1; };
    for (std::int64_t r = 0; r < w.rows; ++r)
      if (r % 37 == 5 || want[r] == high) apart[static_cast<std::size_t>(r / 16)] |= static_cast<std::uint16_t>(1 << r % 16);
    std::atomic<float> threshold = -INFINITY;
    float best[2] = {-INFINITY, -INFINITY};
    for (std::int64_t p = 0; p < w.panels(); p += grain)
      table().screen(w, p, std::min(p + grain, w.panels()), x,
                     {.k = 1,
                      .race = &race,
                      .apart = apart.data(),
                      .length = screening_length(x),
                      .distance = screening_distance(x),
                      .best = best + p / grain % 2,
                      .threshold = &threshold,
                      .scratch = scratch.get()},
                     bounds.get(), got.get());
    double most = -INFINITY;
    for (std::int64_t r = 0; r < w.rows; ++r)
      if (!is_apart(r)) most = std::max(most, race.score(want[r], static_cast<std::uint32_t>(r)));
    const auto check_rows = [&](float least) {
      for (std::int64_t r = 0; r < w.rows; ++r) {
        if (testing::same(got[r], want[r])) continue;
        ASSERT_EQ(got[r], -INFINITY) << "row " << r << " is " << want[r];
        ASSERT_LE(want[r], bounds[r]) << "row " << r;
        ASSERT_LT(bounds[r], least) << "row " << r;
        if (!is_apart(r)) {
          ASSERT_LT(race.score(want[r], static_cast<std::uint32_t>(r)), most) << "row " << r;
        }
      }
    };
    check_rows(INFINITY);
    for (const float least : {high, (high + low) / 2, low}) {
      for (std::int64_t p = 0; p < w.panels(); p += grain)
        table().compute_bounded(w, p, std::min(p + grain, w.panels()), x, bounds.get(), least, scratch.get(), got.get());
      check_rows(least);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, ScreenedHead, testing::every_table, testing::table_name);

TEST_P(ScreenedHead, gives_the_largest_products_of_gaussian_rows) {
  Random random(11);
  for (const std::int64_t cols : {32, 96, 896}) {
    const QuantizedHead head(1000, cols, [&](auto, auto) { return random.normal(0.03f); });
    for (const int k : {1, 5, 40})
      for (const std::int64_t grain : {1, 7, 64}) check(head, one_row(random.normals(cols, 3)).view, k, grain);
  }
}

TEST_P(ScreenedHead, gives_the_largest_products_where_columns_have_outliers_and_rows_differ_in_length) {
  Random random(12);
  const QuantizedHead head(2000, 256, [&](auto r, auto c) {
    return random.normal(0.02f) * (c % 64 == 3 ? 20.0f : 1.0f) * (1.0f + static_cast<float>(r % 13));
  });
  for (int i = 0; i < 10; ++i) {
    auto values = random.normals(256);
    values[static_cast<std::size_t>(random.integer(0, 255))] *= 50;
    check(head, one_row(values).view, 1 + i, 16);
  }
}

TEST_P(ScreenedHead, gives_a_row_whose_bound_is_reached) {
  check_the_worst_case([](auto&& value) { return QuantizedHead(64, 256, value); });
}

TEST_P(ScreenedHead, keeps_every_row_of_a_tie) {
  Random random(13);
  const auto row = random.normals(64);
  const QuantizedHead head(333, 64,
                           [&](auto r, auto c) { return r % 3 == 0 ? row[static_cast<std::size_t>(c)] : 0.0f; });
  check(head, one_row(row).view, 1, 4);
  check(head, one_row(std::vector<float>(64, 0.0f)).view, 3, 4);
}

TEST_P(ScreenedHead, reads_few_low_nibbles_once_the_threshold_has_risen) {
  if (&table() == &reference()) return;  // computes everything
  Random random(14);
  const QuantizedHead head(16384, 256, [&](auto, auto) { return random.normal(0.03f); });
  EXPECT_LT(check(head, one_row(random.normals(256)).view, 1, 64), 16384 / 4);
}

/// Screens of heads in 16-bit floats, where BF16 pairs are multiplied.
class ScreenedFloats : public ScreenedHead {};
std::vector<const Kernels*> tables_of_pairs() {
  std::vector<const Kernels*> out(available_kernels().begin(), available_kernels().end());
  std::erase_if(out, [](const Kernels* table) { return !table->bf16_dot; });
  return out;
}
INSTANTIATE_TEST_SUITE_P(, ScreenedFloats, ::testing::ValuesIn(tables_of_pairs()), testing::table_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ScreenedFloats);

TEST_P(ScreenedFloats, give_the_largest_products_of_gaussian_rows) {
  Random random(15);
  for (const DType dtype : {DType::f16, DType::bf16})
    for (const std::int64_t cols : {32, 96, 896}) {
      const FloatHead head(dtype, 1000, cols, [&](auto, auto) { return random.normal(0.03f); });
      for (const int k : {1, 5, 40})
        for (const std::int64_t grain : {1, 7, 64}) check(head, one_row(random.normals(cols, 3)).view, k, grain);
    }
}

TEST_P(ScreenedFloats, give_the_largest_products_where_columns_have_outliers_and_rows_differ_in_length) {
  Random random(16);
  const FloatHead head(DType::bf16, 2000, 256, [&](auto r, auto c) {
    return random.normal(0.001f) * (c % 64 == 3 ? 20.0f : 1.0f) * (1.0f + static_cast<float>(r % 13));
  });
  for (int i = 0; i < 10; ++i) {
    auto values = random.normals(256);
    values[static_cast<std::size_t>(random.integer(0, 255))] *= 50;
    check(head, one_row(values).view, 1 + i, 16);
  }
}

TEST_P(ScreenedFloats, bound_rows_of_any_magnitude) {
  Random random(17);
  for (const float scale : {1e-7f, 1e-5f, 1e-3f, 1.0f}) {
    const FloatHead head(DType::bf16, 400, 64, [&](auto r, auto) {
      const float size = r % 50 == 7 ? 1 : scale * (r % 3 == 0 ? 0.01f : 1.0f);
      return random.uniform(0.5f, 1.0f) * (random.integer(0, 1) ? size : -size);
    });
    for (const float length : {1e-3f, 1.0f, 1e6f}) check(head, one_row(random.normals(64, length)).view, 3, 4);
  }
}

TEST_P(ScreenedFloats, give_a_row_whose_bound_is_reached) {
  check_the_worst_case([](auto&& value) { return FloatHead(DType::bf16, 64, 256, value); });
}

TEST_P(ScreenedFloats, keep_every_row_of_a_tie) {
  Random random(18);
  const auto row = random.normals(64, 0.2f);
  const FloatHead head(DType::f16, 333, 64,
                       [&](auto r, auto c) { return r % 3 == 0 ? row[static_cast<std::size_t>(c)] : 0.001f; });
  check(head, one_row(row).view, 1, 4);
  check(head, one_row(std::vector<float>(64, 0.0f)).view, 3, 4);
}

TEST_P(ScreenedFloats, say_which_weights_do_not_fit) {
  for (const float wrong : {NAN, INFINITY, -INFINITY, 2.0f, -3.0f}) {
    const FloatHead head(DType::bf16, 100, 64, [&](auto r, auto c) { return r == 77 && c == 9 ? wrong : 0.01f; });
    EXPECT_FALSE(is_whole(head.split.view)) << wrong;
  }
  const FloatHead head(DType::bf16, 100, 64, [&](auto r, auto) { return r == 77 ? -1.99f : 1e-12f; });
  EXPECT_TRUE(is_whole(head.split.view));
  std::vector<float> row(64);
  unpack_row(head.split.view, 77, row.data());
  EXPECT_EQ(row[3], bf16_to_f32(f32_to_bf16(-1.99f)));
  unpack_row(head.split.view, 78, row.data());
  EXPECT_EQ(row[3], 0x1p-31f) << "the least there is";
}

TEST_P(ScreenedFloats, read_few_rows_once_the_threshold_has_risen) {
  Random random(20);
  const FloatHead head(DType::f16, 16384, 256, [&](auto, auto) { return random.normal(0.03f); });
  EXPECT_LT(check(head, one_row(random.normals(256)).view, 1, 64), 16384 / 4);
}

}  // namespace
}  // namespace sw
