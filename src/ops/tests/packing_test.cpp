#include "ops/packing.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/tests/support.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

using testing::OwnedMatrix;
using testing::Random;

constexpr std::array stored_types = {DType::f32,  DType::f16,  DType::bf16, DType::q4_0,   DType::q4_1,
                                     DType::q5_0, DType::q5_1, DType::q8_0, DType::q2_k,   DType::q3_k,
                                     DType::q4_k, DType::q5_k, DType::q6_k, DType::iq4_nl, DType::iq4_xs};

/// Where the 16-bit floats of a stored block are; every other byte of a quantized block may hold anything.
std::vector<std::size_t> factor_offsets(DType dtype) {
  switch (dtype) {
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k:
      return {0, 2};
    case DType::q2_k:
      return {80, 82};
    case DType::q3_k:
      return {108};
    case DType::q6_k:
      return {208};
    default:
      return {0};
  }
}

std::vector<std::byte> random_row(DType dtype, std::int64_t cols, Random& random) {
  const DTypeInfo& type = info(dtype);
  std::vector<std::byte> row(type.row_bytes(static_cast<std::size_t>(cols)));
  for (std::size_t at = 0; at < row.size(); at += type.block_bytes) {
    if (dtype == DType::f32) {
      const float value = random.normal();
      std::memcpy(&row[at], &value, sizeof value);
    } else if (!type.quantized) {
      const std::uint16_t value = dtype == DType::f16 ? random.f16() : f32_to_bf16(random.normal());
      std::memcpy(&row[at], &value, sizeof value);
    } else {
      for (std::size_t i = 0; i < type.block_bytes; ++i) row[at + i] = random.byte();
      for (const std::size_t offset : factor_offsets(dtype)) {
        const std::uint16_t factor = random.f16(0.05f);
        std::memcpy(&row[at + offset], &factor, sizeof factor);
      }
    }
  }
  return row;
}

/// Packs rows as the engine does, panel by panel, and gives back both.
struct Packed {
  std::vector<std::vector<std::byte>> rows;
  OwnedMatrix matrix;

  Packed(const Kernels& table, DType dtype, Packing packing, std::int64_t n_rows, std::int64_t cols, Random& random)
      : matrix(packing, n_rows, cols) {
    for (std::int64_t r = 0; r < n_rows; ++r) rows.push_back(random_row(dtype, cols, random));
    for (std::int64_t p = 0; p < matrix.view.panels(); ++p) {
      const std::byte* starts[panel_rows];
      for (int r = 0; r < panel_rows; ++r) {
        const std::int64_t row = p * panel_rows + r;
        starts[r] = row < n_rows ? rows[static_cast<std::size_t>(row)].data() : nullptr;
      }
      table.pack(dtype, starts, matrix.view, p);
    }
  }
};

class EveryPacker : public testing::EveryTable {};
INSTANTIATE_TEST_SUITE_P(, EveryPacker, testing::every_table, testing::table_name);

bool keeps_every_bit(DType dtype, Packing packing) {
  return packing != Packing::affine8 && !(packing == Packing::bf16_pairs && dtype == DType::f16);
}

TEST_P(EveryPacker, unpacked_rows_are_the_stored_weights) {
  Random random(1);
  for (const DType dtype : stored_types)
    for (const bool bf16_dot : {false, true})
      for (const std::int64_t rows : {1, 16, 21, 48}) {
        const std::int64_t cols = 512;
        const Packing packing = packing_for(dtype, bf16_dot);
        const Packed packed(table(), dtype, packing, rows, cols, random);
        std::vector<float> got(static_cast<std::size_t>(cols)), expected(got.size());
        for (std::int64_t r = 0; r < rows; ++r) {
          dequantize(dtype, packed.rows[static_cast<std::size_t>(r)].data(), expected);
          unpack_row(packed.matrix.view, r, got.data());
          for (std::size_t k = 0; k < got.size(); ++k) {
            const auto block = expected.begin() + static_cast<std::ptrdiff_t>(k / 32 * 32);
            const auto largest = [&] {
              return std::fabs(
                  *std::max_element(block, block + 32, [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
            };
            const float allowed = keeps_every_bit(dtype, packing)  ? 0.0f
                                  : packing == Packing::bf16_pairs ? std::fabs(expected[k]) / 256
                                                                   : 1e-5f * largest();
            ASSERT_NEAR(got[k], expected[k], allowed)
                << info(dtype).name << " row " << r << " of " << rows << " column " << k;
          }
        }
      }
}

TEST_P(EveryPacker, every_f16_becomes_the_nearest_bf16) {
  constexpr std::int64_t cols = 0x10000;
  std::vector<std::uint16_t> row(cols);
  for (std::size_t k = 0; k < row.size(); ++k) row[k] = static_cast<std::uint16_t>(k);
  // Also beside other neighbours, since eight are converted together.
  std::vector<std::uint16_t> shuffled = row;
  Random random(5);
  for (std::size_t k = cols; k > 1; --k)
    std::swap(shuffled[k - 1], shuffled[static_cast<std::size_t>(random.integer(0, static_cast<int>(k) - 1))]);
  const OwnedMatrix matrix(Packing::bf16_pairs, 2, cols);
  const std::byte* rows[panel_rows] = {reinterpret_cast<const std::byte*>(row.data()),
                                       reinterpret_cast<const std::byte*>(shuffled.data())};
  table().pack(DType::f16, rows, matrix.view, 0);
  std::vector<float> got(cols);
  for (const std::int64_t r : {0, 1}) {
    unpack_row(matrix.view, r, got.data());
    for (std::size_t k = 0; k < got.size(); ++k) {
      const std::uint16_t stored = r ? shuffled[k] : row[k];
      const float expected = bf16_to_f32(f32_to_bf16(f16_to_f32(stored)));
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(got[k])) << stored;
      else
        EXPECT_EQ(std::bit_cast<std::uint32_t>(got[k]), std::bit_cast<std::uint32_t>(expected)) << stored;
    }
  }
}

TEST_P(EveryPacker, float_rows_of_any_length_keep_every_weight) {
  Random random(2);
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
    for (const std::int64_t cols : {1, 2, 3, 31, 33, 100}) {
      const Packed packed(table(), dtype, packing_for(dtype, dtype == DType::bf16), 5, cols, random);
      std::vector<float> got(static_cast<std::size_t>(cols)), expected(got.size());
      for (std::int64_t r = 0; r < 5; ++r) {
        dequantize(dtype, packed.rows[static_cast<std::size_t>(r)].data(), expected);
        unpack_row(packed.matrix.view, r, got.data());
        EXPECT_EQ(got, expected) << info(dtype).name << " of " << cols;
      }
    }
}

TEST(Packing, quantized_panels_take_the_bytes_of_their_format) {
  constexpr std::int64_t cols = 512;
  for (const DType dtype : {DType::q4_0, DType::q5_0, DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k}) {
    const double stored = static_cast<double>(panel_rows * info(dtype).row_bytes(cols));
    const double packed = static_cast<double>(panel_layout(packing_for(dtype, true), cols).bytes);
    EXPECT_LT(packed, 1.06 * stored) << info(dtype).name;
  }
}

}  // namespace
}  // namespace sw
