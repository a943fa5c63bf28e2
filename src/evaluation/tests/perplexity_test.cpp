#include "evaluation/perplexity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sw {
namespace {

const std::filesystem::path golden = std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden";

TEST(CutText, llama_cpp_scores_the_second_half_of_windows_that_do_not_overlap) {
  const auto windows = cut_text(Convention::llama_cpp, 100, 24, 1);
  ASSERT_EQ(windows.size(), 4u);
  EXPECT_EQ(windows[1].begin, 24u);
  EXPECT_EQ(windows[1].end, 48u);
  EXPECT_EQ(windows[1].first_scored, 37u);
  EXPECT_EQ(windows[1].scored(), 11u);
  EXPECT_TRUE(cut_text(Convention::llama_cpp, 23, 24, 1).empty());
}

TEST(CutText, transformers_scores_every_token_but_the_first_once) {
  for (const std::size_t stride : {1, 10, 23}) {
    std::vector<int> scored(100);
    for (const TextWindow& window : cut_text(Convention::transformers, 100, 24, stride)) {
      EXPECT_LE(window.end - window.begin, 24u);
      for (std::size_t i = window.first_scored; i < window.end; ++i) ++scored[i];
    }
    EXPECT_EQ(scored[0], 0);
    for (std::size_t i = 1; i < 100; ++i) EXPECT_EQ(scored[i], 1) << stride << ' ' << i;
  }
  // Windows that do not overlap: nothing predicts the first token of each.
  EXPECT_EQ(cut_text(Convention::transformers, 100, 24, 24)[1].first_scored, 25u);
}

class GoldenPerplexity : public testing::TestWithParam<const char*> {};

TEST_P(GoldenPerplexity, is_that_of_the_published_recipe) {
  const auto file = nlohmann::json::parse(std::ifstream(golden / "perplexity.json"));
  const auto& expected = file["cases"][GetParam()];
  const auto tokens = expected["tokens"].get<std::vector<TokenId>>();
  ThreadPool pool(1);
  ModelOptions options;
  options.weights.exact_floats = true;
  const auto model = open_model(golden / "models" / GetParam(), options, pool);
  ASSERT_TRUE(model) << model.error().message();
  auto scorer = TextScorer::create(*model, pool, file["window"], KvType::f32);
  ASSERT_TRUE(scorer);
  for (const auto& [convention, name] :
       {std::pair(Convention::transformers, "transformers"), std::pair(Convention::llama_cpp, "llama_cpp")}) {
    std::vector<WindowLoss> losses;
    for (const TextWindow& window : cut_text(convention, tokens.size(), file["window"], file["stride"])) {
      const auto loss = scorer->loss(tokens, window, std::nullopt);
      ASSERT_TRUE(loss) << loss.error().message();
      losses.push_back(*loss);
    }
    const Perplexity perplexity = perplexity_of(losses);
    const double wanted = expected[name];
    EXPECT_NEAR(perplexity.value / wanted, 1, 2e-4) << name;
    EXPECT_TRUE(perplexity.interval.contains(perplexity.value)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenPerplexity, testing::Values("llama", "qwen2", "mamba"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Perplexity, of_tokens_that_are_all_equally_likely_is_their_number) {
  const std::vector<float> logits(50, 3.0f);
  EXPECT_NEAR(surprise(logits, 17), std::log(50.0), 1e-6);
  const std::vector<WindowLoss> windows(
      10, {.sum = 8 * std::log(50.0), .sum_of_squares = 8 * std::pow(std::log(50.0), 2), .tokens = 8, .weight = 8});
  const Perplexity perplexity = perplexity_of(windows);
  EXPECT_NEAR(perplexity.value, 50, 1e-9);
  EXPECT_NEAR(perplexity.interval.low, 50, 1e-6);
  EXPECT_NEAR(perplexity.standard_error, 0, 1e-4);
}

}  // namespace
}  // namespace sw
