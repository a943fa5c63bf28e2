#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "quant/blocks.hpp"
#include "quant/quant.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

constexpr DType written[] = {DType::f32,  DType::f16,  DType::bf16, DType::q8_0, DType::q4_0,
                             DType::q5_0, DType::q5_1, DType::q4_k, DType::q5_k, DType::q6_k};

/// A file that tests/golden/generate_quant.py wrote.
template <class T>
std::vector<T> golden(const std::string& name) {
  const auto bytes = read_text_file(SPEEDWINS_SOURCE_DIR "/tests/golden/quant/" + name);
  EXPECT_TRUE(bytes) << bytes.error().message();
  std::vector<T> values(bytes ? bytes->size() / sizeof(T) : 0);
  if (bytes) std::memcpy(values.data(), bytes->data(), values.size() * sizeof(T));
  return values;
}

std::vector<std::byte> encode(DType dtype, std::span<const float> row, std::span<const float> importance = {}) {
  std::vector<std::byte> stored(info(dtype).row_bytes(row.size()));
  quantize(dtype, row, stored.data(), importance);
  return stored;
}

std::vector<float> round_trip(DType dtype, std::span<const float> row, std::span<const float> importance = {}) {
  std::vector<float> out(row.size());
  dequantize(dtype, encode(dtype, row, importance).data(), out);
  return out;
}

double rmse(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

std::vector<std::uint32_t> bits(std::span<const float> values) {
  std::vector<std::uint32_t> result;
  for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
  return result;
}

class Expansion : public testing::TestWithParam<const char*> {};

TEST_P(Expansion, EqualsThatOfGgmlToTheLastBit) {
  const std::string type = GetParam();
  const auto blocks = golden<std::byte>(type + ".blocks");
  const auto expected = golden<float>(type + ".f32");
  ASSERT_EQ(expected.size(), 512u);
  std::vector<float> expanded(expected.size());
  dequantize(find_dtype(type)->dtype, blocks.data(), expanded);
  EXPECT_EQ(bits(expanded), bits(expected));
}

INSTANTIATE_TEST_SUITE_P(OfEveryBlockType, Expansion,
                         testing::Values("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k",
                                         "iq4_nl", "iq4_xs"),
                         [](const auto& type) { return std::string(type.param); });

TEST(Quantize, EncodesTheTypesWithOneScalePerBlockToTheSameBitsAsGgml) {
  const auto weights = golden<float>("weights.f32");
  for (const char* type : {"q4_0", "q5_0", "q5_1", "q8_0"})
    EXPECT_EQ(encode(find_dtype(type)->dtype, weights), golden<std::byte>(std::string(type) + ".quantized")) << type;
}

TEST(Quantize, HasNoMoreErrorThanGgmlOnGaussianAndHeavyTailedWeights) {
  const auto weights = golden<float>("weights.f32");
  ASSERT_EQ(weights.size(), 8192u);
  std::ifstream table(SPEEDWINS_SOURCE_DIR "/tests/golden/quant/ggml_rmse.txt");
  std::string type;
  double limits[2];
  int types = 0;
  for (; table >> type >> limits[0] >> limits[1]; ++types)
    for (const std::size_t half : {0, 1}) {
      const auto part = std::span(weights).subspan(half * 4096, 4096);
      const double error = rmse(part, round_trip(find_dtype(type)->dtype, part));
      EXPECT_LE(error, limits[half] * (1 + 1e-6)) << type;
      RecordProperty(type + (half == 0 ? "_gaussian" : "_heavy_tailed"), std::to_string(error / limits[half]));
    }
  EXPECT_EQ(types, 7);
}

TEST(Quantize, KeepsFloatsExactlyWhereTheFormatCan) {
  const std::vector<float> values = {0.0f, -1.5f, 1024.0f, 0x1p-14f};
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) EXPECT_EQ(round_trip(dtype, values), values);
  const std::vector<float> odd = {0.1f, -3e38f, 1e-40f};
  EXPECT_EQ(round_trip(DType::f32, odd), odd);
}

TEST(Quantize, StoresZerosAsZeros) {
  const std::vector<float> zeros(512, 0.0f);
  for (const DType dtype : written) EXPECT_EQ(round_trip(dtype, zeros), zeros) << info(dtype).name;
}

TEST(Quantize, MakesEveryInputFiniteInQuantizedTypes) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const DType dtype : written) {
    if (!info(dtype).quantized) continue;
    for (const float odd : {inf, -inf, nan, std::numeric_limits<float>::max(), 1e-40f, 1e-30f, 1e-6f}) {
      std::vector<float> row(256, 0.25f);
      row[7] = odd;
      for (const float x : round_trip(dtype, row)) ASSERT_TRUE(std::isfinite(x)) << info(dtype).name << " of " << odd;
      for (const float x : round_trip(dtype, std::vector<float>(256, odd))) ASSERT_TRUE(std::isfinite(x));
    }
    std::vector<float> row(256, 0.0f);
    row[3] = -inf;
    const float limit = dtype == DType::q5_1 ? 65504 : 524032;  // its smallest weight is a binary16
    EXPECT_NEAR(round_trip(dtype, row)[3], -limit, limit * 0.01f) << info(dtype).name;
    row[3] = nan;
    EXPECT_EQ(round_trip(dtype, row), std::vector<float>(256, 0.0f)) << info(dtype).name;
  }
}

TEST(Quantize, SpendsItsPrecisionWhereImportanceIsHigh) {
  auto row = golden<float>("weights.f32");
  row.resize(4096);
  std::vector<float> importance(row.size(), 0.01f);
  for (std::size_t i = 0; i < row.size(); i += 8) importance[i] = 100.0f;
  const auto important_error = [&](std::span<const float> out) {
    double sum = 0;
    for (std::size_t i = 0; i < row.size(); i += 8) sum += std::pow(static_cast<double>(row[i]) - out[i], 2);
    return sum;
  };
  for (const DType dtype : {DType::q4_0, DType::q4_k, DType::q5_k, DType::q6_k})
    EXPECT_LT(important_error(round_trip(dtype, row, importance)), 0.9 * important_error(round_trip(dtype, row)))
        << info(dtype).name;
}

TEST(Quantize, IgnoresImportanceThatIsNotUsable) {
  auto row = golden<float>("weights.f32");
  row.resize(256);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float useless : {0.0f, -1.0f, nan, std::numeric_limits<float>::infinity()})
    EXPECT_EQ(round_trip(DType::q4_k, row, std::vector<float>(256, useless)), round_trip(DType::q4_k, row));
}

TEST(Quantize, CannotWriteTheTypesItOnlyReads) {
  for (const DType dtype : written) EXPECT_TRUE(can_quantize(dtype)) << info(dtype).name;
  for (const DType dtype : {DType::q4_1, DType::q2_k, DType::iq4_xs, DType::i32}) EXPECT_FALSE(can_quantize(dtype));
}

/// Weights of one sign or both, far from zero or not, over a wide range of sizes.
std::vector<float> any_row() {
  const auto size = std::ldexp(1.0f, *rc::gen::inRange(-4, 12));  // where binary16 scales are normal
  const auto shift = static_cast<float>(*rc::gen::inRange(-300, 300)) / 100;
  std::vector<float> row = *rc::gen::container<std::vector<float>>(
      256, rc::gen::map(rc::gen::inRange(-1000, 1001), [](int i) { return static_cast<float>(i) / 1000; }));
  for (float& x : row) x = (x + shift) * size;
  return row;
}

RC_GTEST_PROP(Quantize, KeepsEveryWeightWithinAStepOfItsGroup, ()) {
  const auto row = any_row();
  // Steps: half of a Q8_0 step, a whole one of Q4_0 (which has no level +8), both with the rounding of d; of a
  // 32-group's range for 4 and 5 bits with a scale, a min and their own rounding of 1/63; of a 16-group's largest
  // magnitude for 6 bits.
  const std::map<DType, double> steps = {{DType::q8_0, 1.0 / 254 + 0x1p-11},
                                         {DType::q4_0, 1.0 / 8 + 0x1p-11},
                                         {DType::q4_k, 1.6 / 15},
                                         {DType::q5_k, 1.6 / 31},
                                         {DType::q6_k, 1.6 / 32}};
  for (const auto& [dtype, step] : steps) {
    const auto out = round_trip(dtype, row);
    float low = 0, high = 0;
    for (const float x : row) low = std::min(low, x), high = std::max(high, x);
    const bool affine = dtype == DType::q4_k || dtype == DType::q5_k;
    const double range = affine ? high - low : std::max(high, -low);
    for (std::size_t i = 0; i < row.size(); ++i)
      RC_ASSERT(std::abs(static_cast<double>(row[i]) - out[i]) <= step * range);
  }
}

}  // namespace
}  // namespace sw
