#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

using testing::Aligned;
using testing::EveryTable;
using testing::first_difference;
using testing::OwnedActivations;
using testing::OwnedMatrix;
using testing::Random;

constexpr std::array quantized = {Packing::q4_0, Packing::q5_0, Packing::q8_0,     Packing::q4_k,
                                  Packing::q5_k, Packing::q6_k, Packing::q8_split, Packing::affine8};
constexpr std::array floats = {Packing::f32, Packing::f16, Packing::bf16};
constexpr ActivationForms every_form = {.f32 = true, .bf16 = true, .q8 = true, .sums = true, .halves = true};

template <class T>
void put(std::byte* at, std::size_t i, T value) {
  std::memcpy(at + i * sizeof value, &value, sizeof value);
}

/// Any codes under factors around `scale`.
void fill(OwnedMatrix& matrix, float scale, Random& random) {
  const Packing packing = matrix.view.packing;
  for (std::byte& byte : matrix.bytes.span()) byte = random.byte();
  const PanelLayout& at = matrix.view.layout;
  const PanelGroup group = panel_group(packing);
  for (std::int64_t p = 0; p < matrix.view.panels(); ++p) {
    std::byte* panel = matrix.bytes.get() + static_cast<std::size_t>(p) * at.bytes;
    const auto halves = [&](std::size_t from, std::size_t to) {
      for (std::size_t i = 0; i < (to - from) / 2; ++i) put(panel + from, i, random.f16(scale));
    };
    const auto singles = [&](std::size_t from, std::size_t to) {
      for (std::size_t i = 0; i < (to - from) / 4; ++i) put(panel + from, i, random.normal(scale));
    };
    if (packing == Packing::f32)
      singles(0, at.bytes);
    else if (packing == Packing::f16)
      halves(0, at.bytes);
    else if (packing == Packing::bf16 || packing == Packing::bf16_pairs)
      for (std::size_t i = 0; i < at.bytes / 2; ++i) put(panel, i, f32_to_bf16(random.normal(scale)));
    for (std::int64_t b = 0; b < matrix.view.cols / 32 && group.bytes() > 0; ++b) {
      const auto scales = static_cast<std::size_t>(group.scales_of(b)),
                 supers = static_cast<std::size_t>(group.supers_of(b));
      const auto bytes = static_cast<std::size_t>(group.scales);
      if (packing == Packing::affine8)
        singles(scales, scales + bytes);
      else if (group.supers == 0)
        halves(scales, scales + bytes);
      else if (b % group.blocks == 0)
        halves(supers, supers + static_cast<std::size_t>(group.supers));
    }
  }
}

/// Rows of numbers, which every table prepares in its own way.
struct Values {
  std::int64_t rows, cols;
  std::vector<float> numbers;

  Values(std::int64_t n, std::int64_t columns, float scale, Random& random)
      : rows(n), cols(columns), numbers(random.normals(n * columns, scale)) {}
  Values(std::int64_t n, const std::vector<float>& row) : rows(n), cols(static_cast<std::int64_t>(row.size())) {
    for (std::int64_t i = 0; i < n; ++i) numbers.insert(numbers.end(), row.begin(), row.end());
  }

  float* row(std::int64_t i) { return numbers.data() + i * cols; }
  Values slice(std::int64_t first, std::int64_t n) const {
    Values part = *this;
    part.rows = n;
    part.numbers.assign(numbers.begin() + first * cols, numbers.begin() + (first + n) * cols);
    return part;
  }
  /// In these forms; the others are full of what must not be read.
  OwnedActivations prepared(const Kernels& table, ActivationForms forms) const {
    OwnedActivations x(rows, cols);
    for (Aligned<float>* array : {&x.f32, &x.scales, &x.sums}) std::ranges::fill(array->span(), 1e10f);
    for (auto* offsets : {&x.offsets32, &x.offsets16}) std::ranges::fill(offsets->span(), 1 << 30);
    std::ranges::fill(x.bf16.span(), std::uint16_t{0x7777});
    std::ranges::fill(x.q8.span(), std::int8_t{77});
    for (std::int64_t i = 0; i < rows; ++i) table.prepare(numbers.data() + i * cols, i, 0, cols, forms, x.view);
    return x;
  }
};

/// The result of a product in a matrix with a margin: what lies outside must stay as it was.
struct Result {
  std::int64_t stride;
  Aligned<float> y;

  Result(std::int64_t rows, std::int64_t cols) : stride(cols + 19), y(rows * (cols + 19)) {
    std::ranges::fill(y.span(), 0.625f);
  }
};

struct Call {
  std::int64_t begin, end;
  const float* bias = nullptr;
  bool add = false;
};

Result multiply(const Kernels& table, const PackedMatrix& w, const Values& values, const Call& call) {
  const OwnedActivations prepared = values.prepared(table, forms_for(w.packing));
  const Activations& x = prepared.view;
  Result result(x.rows, w.rows);
  const Aligned<std::byte> scratch(static_cast<std::int64_t>(matmul_scratch_bytes(w.cols)));
  table.matmul(w, call.begin, call.end, x,
               {.y = result.y.get(), .stride = result.stride, .bias = call.bias, .add = call.add}, scratch.get());
  return result;
}
Result multiply(const Kernels& table, const PackedMatrix& w, const Values& values) {
  return multiply(table, w, values, {0, w.panels()});
}

class Matmul : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Matmul, testing::every_table, testing::table_name);

TEST_P(Matmul, gives_the_bits_of_the_reference_for_any_shape) {
  Random random(3);
  const auto check = [&](Packing packing, std::int64_t cols) {
    for (const std::int64_t rows : {1, 16, 17, 31, 40, 63}) {
      OwnedMatrix w(packing, rows, cols);
      fill(w, 0.05f, random);
      const std::vector<float> bias = random.normals(rows);
      for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 25, 40}) {
        const Values x(m, cols, 2.0f, random);
        const Call call = {0, w.view.panels(), random.integer(0, 1) ? bias.data() : nullptr, random.integer(0, 1) == 1};
        const Result expected = multiply(reference(), w.view, x, call);
        const Result got = multiply(table(), w.view, x, call);
        ASSERT_EQ(first_difference(got.y.span(), expected.y.span()), -1)
            << "packing " << static_cast<int>(packing) << ": " << m << " × " << cols << " × " << rows;
      }
    }
  };
  for (const Packing packing : quantized) {
    const bool k_quant = packing == Packing::q4_k || packing == Packing::q5_k || packing == Packing::q6_k;
    for (const std::int64_t cols : {32, 96, 160, 256, 512})
      if (!k_quant || cols % 256 == 0) check(packing, cols);
  }
  for (const Packing packing : floats)
    for (const std::int64_t cols : {1, 31, 96, 130}) check(packing, cols);
}

TEST(Bf16Pairs, are_multiplied_almost_exactly) {
  std::vector<const Kernels*> tables;
  for (const Kernels* table : available_kernels())
    if (table->bf16_dot) tables.push_back(table);
  if (tables.empty()) GTEST_SKIP() << "no kernels of this machine multiply BF16 pairs";
  Random random(4);
  for (const Kernels* table : tables)
    for (const std::int64_t cols : {1, 2, 33, 256})
      for (const std::int64_t m : {1, 5, 12, 13, 40}) {
        OwnedMatrix w(Packing::bf16_pairs, 40, cols);
        fill(w, 0.05f, random);
        // The element that fills up the last pair of an odd row is zero in a packed matrix.
        if (cols % 2)
          for (std::int64_t p = 0; p < w.view.panels(); ++p)
            for (int r = 0; r < panel_rows; ++r)
              put(w.bytes.get() + static_cast<std::size_t>(p) * w.view.layout.bytes,
                  static_cast<std::size_t>((cols / 2 * panel_rows + r) * 2 + 1), std::uint16_t{0});
        const Values x(m, cols, 2.0f, random);
        const Result got = multiply(*table, w.view, x);
        const OwnedActivations prepared = x.prepared(EveryTable::reference(), {.bf16 = true});
        std::vector<float> weights(static_cast<std::size_t>(cols));
        for (std::int64_t r = 0; r < w.view.rows; ++r) {
          unpack_row(w.view, r, weights.data());
          for (std::int64_t row = 0; row < m; ++row) {
            double exact = 0, size = 0;
            for (std::int64_t k = 0; k < cols; ++k) {
              const double term =
                  double{weights[static_cast<std::size_t>(k)]} * bf16_to_f32(prepared.bf16[row * bf16_stride(cols) + k]);
              exact += term;
              size += std::fabs(term);
            }
            ASSERT_NEAR(got.y[row * got.stride + r], exact, 1e-6 * size)
                << table->isa << " " << m << " × " << cols << " row " << r;
          }
        }
      }
}

TEST(Bf16Split, rows_have_the_products_of_panels) {
  Random random(24);
  for (const Kernels* table : available_kernels()) {
    if (!table->bf16_dot) continue;
    for (const std::int64_t cols : {32, 96, 256})
      for (const DType dtype : {DType::f16, DType::bf16})
        for (const std::int64_t rows : {1, 16, 40}) {
          OwnedMatrix split(Packing::bf16_split, rows, cols), pairs(Packing::bf16_pairs, rows, cols);
          std::vector<std::uint16_t> stored(static_cast<std::size_t>(rows * cols));
          for (auto& bits : stored) bits = dtype == DType::f16 ? random.f16(0.05f) : f32_to_bf16(random.normal(0.05f));
          for (OwnedMatrix* matrix : {&split, &pairs})
            for (std::int64_t p = 0; p < matrix->view.panels(); ++p) {
              const std::byte* sources[panel_rows];
              for (std::int64_t i = 0; i < panel_rows; ++i) {
                const std::int64_t row = p * panel_rows + i;
                sources[i] = row < rows ? reinterpret_cast<const std::byte*>(stored.data() + row * cols) : nullptr;
              }
              table->pack(dtype, sources, matrix->view, p);
            }
          std::vector<float> a(static_cast<std::size_t>(cols)), b(a);
          for (std::int64_t r = 0; r < rows; ++r) {
            unpack_row(split.view, r, a.data());
            unpack_row(pairs.view, r, b.data());
            ASSERT_EQ(a, b) << "row " << r;
          }
          const std::vector<float> bias = random.normals(rows);
          for (const std::int64_t m : {1, 3, 12, 40}) {
            const Values x(m, cols, 2.0f, random);
            const Call call = {0, split.view.panels(), random.integer(0, 1) ? bias.data() : nullptr, m == 3};
            const Result want = multiply(*table, pairs.view, x, call);
            const Result got = multiply(*table, split.view, x, call);
            ASSERT_EQ(first_difference(got.y.span(), want.y.span()), -1) << m << "×" << cols << "×" << rows;
            const Result exact = multiply(EveryTable::reference(), pairs.view, x, call);
            const Result slow = multiply(EveryTable::reference(), split.view, x, call);
            ASSERT_EQ(first_difference(slow.y.span(), exact.y.span()), -1) << m << "×" << cols << "×" << rows;
          }
        }
  }
}

TEST_P(Matmul, equals_the_product_of_the_unpacked_weights_with_the_quantized_activations) {
  Random random(5);
  constexpr std::int64_t cols = 512, rows = 33, m = 9;
  for (const Packing packing : quantized) {
    OwnedMatrix w(packing, rows, cols);
    fill(w, 0.05f, random);
    const Values x(m, cols, 2.0f, random);
    const Result got = multiply(table(), w.view, x);
    const OwnedActivations prepared = x.prepared(reference(), {.q8 = true});
    std::vector<float> weights(cols);
    for (std::int64_t r = 0; r < rows; ++r) {
      unpack_row(w.view, r, weights.data());
      for (std::int64_t row = 0; row < m; ++row) {
        double exact = 0, size = 0;
        for (std::int64_t k = 0; k < cols; ++k) {
          const double term = double{weights[static_cast<std::size_t>(k)]} * prepared.q8[row * cols + k] *
                              prepared.scales[row * activation_groups(cols) + k / activation_group];
          exact += term;
          size += std::fabs(term);
        }
        ASSERT_NEAR(got.y[row * got.stride + r], exact, 1e-5 * size)
            << "packing " << static_cast<int>(packing) << " row " << r;
      }
    }
  }
}

TEST_P(Matmul, of_a_row_does_not_depend_on_the_rows_beside_it) {
  Random random(6);
  constexpr std::int64_t most = 64, rows = 33, cols = 256;
  std::vector<Packing> packings(quantized.begin(), quantized.end());
  packings.insert(packings.end(), floats.begin(), floats.end());
  if (table().bf16_dot) packings.push_back(Packing::bf16_pairs);
  for (const Packing packing : packings) {
    OwnedMatrix w(packing, rows, cols);
    fill(w, 0.05f, random);
    const Values x(most, cols, 2.0f, random);
    std::vector<Result> alone;
    for (std::int64_t row = 0; row < most; ++row) alone.push_back(multiply(table(), w.view, x.slice(row, 1)));
    for (std::int64_t m = 2; m <= most; ++m) {
      const std::int64_t first = random.integer(0, static_cast<int>(most - m));
      const Result together = multiply(table(), w.view, x.slice(first, m));
      for (std::int64_t row = 0; row < m; ++row)
        ASSERT_EQ(first_difference(together.y.span().subspan(static_cast<std::size_t>(row * together.stride), rows),
                                   alone[static_cast<std::size_t>(first + row)].y.span().first(rows)),
                  -1)
            << "packing " << static_cast<int>(packing) << ", row " << row << " of " << m;
    }
  }
}

TEST_P(Matmul, writes_only_its_panels_and_gives_each_the_same_bits_alone) {
  Random random(7);
  constexpr std::int64_t rows = 5 * panel_rows + 14, cols = 256;
  std::vector<Packing> packings(quantized.begin(), quantized.end());
  packings.insert(packings.end(), floats.begin(), floats.end());
  if (table().bf16_dot) packings.push_back(Packing::bf16_pairs);
  for (const Packing packing : packings) {
    OwnedMatrix w(packing, rows, cols);
    fill(w, 0.05f, random);
    for (const std::int64_t m : {1, 8, 13, 32}) {
      const Values x(m, cols, 2.0f, random);
      const Result whole = multiply(table(), w.view, x);
      for (std::int64_t begin = 0; begin <= w.view.panels(); ++begin)
        for (std::int64_t end = begin; end <= w.view.panels(); ++end) {
          const Result part = multiply(table(), w.view, x, {begin, end});
          const Result untouched(m, rows);
          for (std::int64_t i = 0; i < m * part.stride; ++i) {
            const std::int64_t column = i % part.stride;
            const bool inside = column >= begin * panel_rows && column < std::min(rows, end * panel_rows);
            ASSERT_TRUE(testing::same(part.y[i], inside ? whole.y[i] : untouched.y[i]))
                << "packing " << static_cast<int>(packing) << ", " << m << " rows, panels " << begin << " to " << end
                << ", row " << i / part.stride << " column " << column;
          }
        }
    }
  }
}

TEST_P(Matmul, is_exact_at_the_ends_of_the_codes) {
  // Whole blocks of the largest and smallest codes and activations: where 16-bit sums would saturate.
  constexpr std::int64_t cols = 256, rows = 16;
  for (const Packing packing : quantized)
    for (const int code : {0x00, 0x7f, 0x80, 0xff})
      for (const int value : {-127, 127})
        for (const std::int64_t m : {1, 9, 16}) {
          OwnedMatrix w(packing, rows, cols);
          Random random(8);
          fill(w, 0.5f, random);
          const PanelGroup group = panel_group(packing);
          for (std::int64_t b = 0; b < cols / 32; ++b) {
            std::fill_n(w.bytes.get() + group.quants_of(b), group.quants, static_cast<std::byte>(code));
            std::fill_n(w.bytes.get() + group.high_of(b), group.high, static_cast<std::byte>(code));
          }
          const std::vector<float> values(cols, static_cast<float>(value));
          const Values x(m, values);
          const Result got = multiply(table(), w.view, x), expected = multiply(reference(), w.view, x);
          ASSERT_EQ(first_difference(got.y.span(), expected.y.span()), -1)
              << "packing " << static_cast<int>(packing) << " codes " << code << " activations " << value;
        }
}

TEST_P(Matmul, gives_the_bits_of_the_reference_for_tiny_and_huge_factors) {
  Random random(9);
  constexpr std::int64_t cols = 256, rows = 20;
  for (const Packing packing : quantized)
    for (const float weight_scale : {6e-8f, 1e-5f, 2e4f})
      for (const float scale : {0.0f, 1e-38f, 1e-30f, 1e30f})
        for (const std::int64_t m : {2, 17}) {
          OwnedMatrix w(packing, rows, cols);
          fill(w, weight_scale, random);
          const Values x(m, cols, scale, random);
          const Result got = multiply(table(), w.view, x), expected = multiply(reference(), w.view, x);
          ASSERT_EQ(first_difference(got.y.span(), expected.y.span()), -1)
              << "packing " << static_cast<int>(packing) << " factors " << weight_scale << " activations " << scale;
        }
}

TEST_P(Matmul, keeps_infinities_and_nan_in_their_row) {
  Random random(10);
  constexpr std::int64_t cols = 256, rows = 20, m = 13, bad = 6;
  for (const Packing packing : quantized)
    for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      OwnedMatrix w(packing, rows, cols);
      fill(w, 0.05f, random);
      Values x(m, cols, 1.0f, random);
      const Result before = multiply(table(), w.view, x);
      x.row(bad)[40] = value;
      const Result after = multiply(table(), w.view, x);
      for (std::int64_t i = 0; i < m; ++i) {
        if (i == bad) continue;
        const auto span = [&](const Result& result) {
          return result.y.span().subspan(static_cast<std::size_t>(i * result.stride), rows);
        };
        ASSERT_EQ(first_difference(span(after), span(before)), -1) << "row " << i;
      }
    }
}

class Prepare : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(, Prepare, testing::every_table, testing::table_name);

TEST_P(Prepare, gives_the_bits_of_the_reference) {
  Random random(11);
  for (const std::int64_t cols : {32, 96, 224, 896})
    for (const float scale : {0.0f, 1e-45f, 1e-37f, 1e-36f, 1e-20f, 1.0f, 1e20f, 1e37f}) {
      OwnedActivations got(1, cols), expected(1, cols);
      std::vector<float> values = random.normals(cols, scale);
      for (int i = 0; i < 32; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>(i - 16) + 0.5f;  // ties
      // In parts as well: a group of columns knows nothing of the others.
      constexpr std::int64_t part = activation_group;
      for (std::int64_t begin = 0; begin < cols; begin += part)
        table().prepare(values.data() + begin, 0, begin, std::min(begin + part, cols), every_form, got.view);
      reference().prepare(values.data(), 0, 0, cols, every_form, expected.view);
      const auto equal = [](const auto& a, const auto& b) { return std::ranges::equal(a.span(), b.span()); };
      EXPECT_TRUE(equal(got.f32, expected.f32)) << scale;
      const auto without_subnormals = [](std::uint16_t x) { return (x & 0x7f80) == 0 ? x & 0x8000 : x; };
      EXPECT_TRUE(std::ranges::equal(got.bf16.span(), expected.bf16.span(), {}, without_subnormals, without_subnormals))
          << scale;
      EXPECT_TRUE(equal(got.q8, expected.q8)) << scale;
      EXPECT_TRUE(equal(got.scales, expected.scales)) << scale;
      EXPECT_TRUE(equal(got.sums, expected.sums)) << scale;
      EXPECT_TRUE(equal(got.offsets32, expected.offsets32)) << scale;
      EXPECT_TRUE(equal(got.offsets16, expected.offsets16)) << scale;
    }
}

TEST_P(Prepare, is_off_by_half_a_step_at_most) {
  Random random(12);
  constexpr std::int64_t cols = 320;
  OwnedActivations x(1, cols);
  const std::vector<float> values = random.normals(cols);
  table().prepare(values.data(), 0, 0, cols, every_form, x.view);
  for (std::int64_t k = 0; k < cols; ++k) {
    const float step = x.scales[k / activation_group];
    EXPECT_NEAR(step * x.q8[k], values[static_cast<std::size_t>(k)], 0.501f * step);
  }
}

TEST_P(Prepare, uses_the_whole_range_of_codes_in_every_group) {
  Random random(14);
  for (const std::int64_t cols : {32, 128, 160, 320})
    for (const float scale : {1e-30f, 1e-6f, 1.0f, 1e4f, 1e20f}) {
      OwnedActivations x(1, cols);
      const std::vector<float> values = random.normals(cols, scale);
      table().prepare(values.data(), 0, 0, cols, every_form, x.view);
      for (std::int64_t from = 0; from < cols; from += activation_group) {
        float most = 0;
        int largest = 0;
        for (std::int64_t k = from; k < std::min(from + activation_group, cols); ++k) {
          most = std::max(most, std::fabs(values[static_cast<std::size_t>(k)]));
          largest = std::max(largest, std::abs(int{x.q8[k]}));
        }
        EXPECT_EQ(largest, 127) << cols << " columns of " << scale;
        EXPECT_EQ(x.scales[from / activation_group], most / 127) << cols << " columns of " << scale;
      }
    }
}

TEST_P(Prepare, writes_only_the_forms_asked_for_and_its_row) {
  Random random(13);
  for (const std::int64_t cols : {32, 33, 64, 895, 896})
    for (const std::int64_t rows : {1, 3, 8, 13, 29}) {
      const std::vector<float> values = random.normals(cols);
      const bool blocks = cols % 32 == 0;
      for (const ActivationForms forms : {ActivationForms{.f32 = true},
                                          {.bf16 = true},
                                          {.q8 = blocks},
                                          {.q8 = blocks, .sums = blocks},
                                          {.q8 = blocks, .halves = blocks}}) {
        // What a row writes is the same whatever was there.
        OwnedActivations all(rows, cols);
        for (std::int64_t row = 0; row < rows; ++row) {
          OwnedActivations a(rows, cols), b(rows, cols);
          const auto fill = [](auto& array, int with) {
            for (auto& element : array.span()) element = static_cast<std::remove_reference_t<decltype(element)>>(with);
          };
          for (auto [x, with] : {std::pair{&a, 99}, {&b, 98}}) {
            fill(x->f32, with), fill(x->bf16, with), fill(x->q8, with), fill(x->scales, with), fill(x->sums, with);
            fill(x->offsets32, with), fill(x->offsets16, with);
            table().prepare(values.data(), row, 0, cols, forms, x->view);
          }
          const auto count = [&](const auto& from, const auto& other, bool wanted, std::int64_t of_row) {
            std::int64_t n = 0;
            for (std::size_t i = 0; i < from.span().size(); ++i) n += from.span()[i] == other.span()[i];
            EXPECT_EQ(n, wanted ? of_row : 0) << cols << ", row " << row << " of " << rows;
          };
          count(a.f32, b.f32, forms.f32, cols);
          count(a.bf16, b.bf16, forms.bf16, bf16_stride(cols));
          count(a.q8, b.q8, forms.q8, cols);
          count(a.scales, b.scales, forms.q8, activation_groups(cols));
          count(a.sums, b.sums, forms.sums, cols / 32);
          count(a.offsets32, b.offsets32, forms.q8, cols / 32);
          count(a.offsets16, b.offsets16, forms.halves, cols / 16);
          // Rows do not share a number: where one wrote, no other did.
          const auto claim = [](const auto& from, const auto& other, auto& claimed) {
            for (std::size_t i = 0; i < from.span().size(); ++i)
              if (from.span()[i] == other.span()[i] && std::exchange(claimed.span()[i], 1) != 0) return false;
            return true;
          };
          EXPECT_TRUE(claim(a.q8, b.q8, all.q8)) << cols << ", row " << row << " of " << rows;
          EXPECT_TRUE(claim(a.bf16, b.bf16, all.bf16)) << cols << ", row " << row << " of " << rows;
          EXPECT_TRUE(claim(a.scales, b.scales, all.scales)) << cols << ", row " << row << " of " << rows;
          EXPECT_TRUE(claim(a.sums, b.sums, all.sums)) << cols << ", row " << row << " of " << rows;
          EXPECT_TRUE(claim(a.offsets32, b.offsets32, all.offsets32)) << cols << ", row " << row << " of " << rows;
          EXPECT_TRUE(claim(a.offsets16, b.offsets16, all.offsets16)) << cols << ", row " << row << " of " << rows;
        }
      }
    }
}

}  // namespace
}  // namespace sw
