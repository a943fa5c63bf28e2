// Losses and gradients of whole models against PyTorch (tests/golden/generate_gradients.py), in every precision, with
// and without recomputation.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/checkpoint_io.hpp"
#include "train/hf_export.hpp"
#include "train/network.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

const fs::path goldens = fs::path(SPEEDWINS_SOURCE_DIR) / "tests/golden";

nlohmann::json read_json(const fs::path& path) {
  nlohmann::json json;
  std::ifstream(path) >> json;
  return json;
}

/// A golden model in the trainer, with the batch its gradients were computed from.
struct Case {
  nlohmann::json golden;
  Checkpoint checkpoint;
  ModelSpec spec;
  Parameters parameters;
  std::vector<TokenId> tokens, targets;
  std::vector<float> weights;
  std::vector<int> lengths;

  explicit Case(const std::string& name) : golden(read_json(goldens / "gradients" / (name + ".json"))) {
    checkpoint = open_checkpoint(goldens / "models" / name).value().checkpoint;
    spec = read_spec(checkpoint).value();
    parameters = Parameters::create(spec, tensor_layout(checkpoint)).value();
    EXPECT_TRUE(parameters.load(checkpoint));
    for (const auto& sequence : golden["sequences"]) {
      const auto ids = sequence.get<std::vector<TokenId>>();
      lengths.push_back(static_cast<int>(ids.size()));
      tokens.insert(tokens.end(), ids.begin(), ids.end());
      targets.insert(targets.end(), ids.begin() + 1, ids.end());
      targets.push_back(0);
      weights.insert(weights.end(), ids.size() - 1, 1.0f);
      weights.push_back(0);
    }
  }

  double loss(const NetworkOptions& wanted, int threads) {
    ThreadPool pool(threads);
    NetworkOptions options = wanted;
    options.limits = {.tokens = static_cast<std::int64_t>(tokens.size()), .sequence = 128, .segments = 4};
    Network network = Network::create(spec, parameters, pool, options).value();
    float scored = 0;
    for (const float w : weights) scored += w;
    std::ranges::fill(parameters.gradients(), 0.0f);
    return network.accumulate({tokens, lengths}, CrossEntropy(targets, weights), 1 / scored).value() / scored;
  }

  void expect_gradients(double tolerance) {
    const Family* family = find_family(spec.architecture);
    const auto tensors =
        published(*family, checkpoint.metadata, parameters, parameters.gradients(), Content::gradients).value();
    std::map<std::string, const PublishedTensor*> by_name;
    for (const PublishedTensor& t : tensors) by_name[t.name] = &t;
    ASSERT_EQ(by_name.size(), golden["gradients"].size());
    for (const auto& [name, want] : golden["gradients"].items()) {
      ASSERT_TRUE(by_name.contains(name)) << name;
      const std::vector<float>& got = by_name[name]->values;
      ASSERT_EQ(got.size(), want["size"].get<std::size_t>()) << name;
      double squares = 0;
      for (const float g : got) squares += static_cast<double>(g) * g;
      const double norm = want["norm"];
      EXPECT_NEAR(std::sqrt(squares) / norm, 1, tolerance) << name;
      // Entries are judged by what an average entry of the tensor is.
      const double typical = norm / std::sqrt(static_cast<double>(got.size()));
      for (const auto& [at, value] : want["entries"].get<std::vector<std::pair<std::size_t, double>>>())
        EXPECT_LE(std::abs(got[at] - value), tolerance * (std::abs(value) + 3 * typical)) << name << " entry " << at;
    }
  }
};

class Goldens : public testing::TestWithParam<std::string> {};

TEST_P(Goldens, LossAndGradientsEqualPyTorch) {
  Case c(GetParam());
  EXPECT_NEAR(c.loss({}, 2) / c.golden["loss"].get<double>(), 1, 1e-5);
  c.expect_gradients(2e-4);
}

TEST_P(Goldens, RecomputedBlocksGiveTheSameBits) {
  Case kept(GetParam()), recomputed(GetParam());
  EXPECT_EQ(kept.loss({}, 2), recomputed.loss({.limits = {}, .recompute = true}, 2));
  EXPECT_TRUE(std::ranges::equal(kept.parameters.gradients(), recomputed.parameters.gradients()));
}

TEST_P(Goldens, TheNumberOfThreadsChangesNoBit) {
  Case one(GetParam()), three(GetParam());
  EXPECT_EQ(one.loss({}, 1), three.loss({}, 3));
  EXPECT_TRUE(std::ranges::equal(one.parameters.gradients(), three.parameters.gradients()));
}

TEST_P(Goldens, Bf16StaysWithinItsRounding) {
  Case c(GetParam());
  ThreadPool pool(1);
  if (!Gemm::create(Precision::bf16, 1)) GTEST_SKIP() << "this machine has no BF16 products";
  EXPECT_NEAR(c.loss({.limits = {}, .precision = Precision::bf16}, 2) / c.golden["loss"].get<double>(), 1, 2e-2);
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(goldens / "gradients")) names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Goldens, testing::ValuesIn(cases()), [](const auto& test) {
  std::string title = test.param;
  std::ranges::replace(title, '-', '_');
  return title;
});

}  // namespace
}  // namespace sw::train
