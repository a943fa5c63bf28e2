#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/families/family.hpp"
#include "model/families/hf_config.hpp"

namespace sw {
namespace {

nlohmann::json golden_cases() {
  std::ifstream file(SPEEDWINS_SOURCE_DIR "/tests/golden/rope.json");
  return nlohmann::json::parse(file);
}

class RopeGolden : public testing::TestWithParam<nlohmann::json> {};

TEST_P(RopeGolden, FrequenciesAndMagnitudeEqualThoseOfTransformers) {
  const auto& golden = GetParam();
  const auto config = flatten_config(golden["config"]);
  ASSERT_TRUE(config) << config.error().message();
  const Family* family = find_hf_family(golden["config"]["architectures"][0].get<std::string>());
  ASSERT_NE(family, nullptr);
  auto imported = family->import_config(*config);
  ASSERT_TRUE(imported) << imported.error().message();
  imported->metadata.set("general.architecture", std::string(family->architecture));
  const auto spec = family->spec(*imported, golden["context"].get<int>());
  ASSERT_TRUE(spec) << spec.error().message();

  const Rope& rope = spec->ropes.at(0);
  const auto expected = golden["inv_freq"].get<std::vector<float>>();
  ASSERT_EQ(rope.inv_freq.size(), expected.size());
  // Float32 steps in an equivalent order: a few units in the last place.
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(rope.inv_freq[i], expected[i], 5e-7 * expected[i]) << "frequency " << i;
  EXPECT_NEAR(rope.magnitude, golden["attention_factor"].get<double>(), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Transformers, RopeGolden, testing::ValuesIn(golden_cases().get<std::vector<nlohmann::json>>()),
                         [](const auto& test) {
                           std::string name = test.param["name"].template get<std::string>();
                           std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
                           return name;
                         });

}  // namespace
}  // namespace sw
