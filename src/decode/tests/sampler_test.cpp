#include "decode/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace sw {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(SPEEDWINS_SOURCE_DIR "/tests/golden/sampling.json"));
}

std::map<TokenId, double> probabilities(Sampler& sampler, std::span<const float> logits) {
  std::map<TokenId, double> result;
  double total = 0;
  for (const Candidate& candidate : sampler.distribution(logits)) total += candidate.weight;
  for (const Candidate& candidate : sampler.distribution(logits))
    if (candidate.weight > 0) result[candidate.token] = candidate.weight / total;
  return result;
}

SamplingOptions options_of(const nlohmann::json& test) {
  SamplingOptions options;
  options.temperature = test.value("temperature", 0.0f);
  options.top_k = test.value("top_k", 0);
  options.top_p = test.value("top_p", 1.0f);
  options.min_p = test.value("min_p", 0.0f);
  options.typical_p = test.value("typical_p", 1.0f);
  options.repetition_penalty = test.value("repetition_penalty", 1.0f);
  return options;
}

TEST(Sampler, distributions_equal_those_of_transformers) {
  const auto data = golden();
  const auto logits = data["logits"].get<std::vector<float>>();
  const auto prompt = data["prompt"].get<std::vector<TokenId>>();
  ASSERT_GE(data["cases"].size(), 18u);
  for (const auto& test : data["cases"]) {
    const SamplingOptions options = options_of(test);
    ASSERT_TRUE(options.check()) << options.check().error().message();
    Sampler sampler(options);
    sampler.observe_prompt(prompt);
    const auto found = probabilities(sampler, logits);
    const auto& expected = test["probabilities"];
    EXPECT_EQ(found.size(), expected.size()) << test.dump().substr(0, 120);
    for (const auto& [token, probability] : found)
      EXPECT_NEAR(probability, expected.value(std::to_string(token), 0.0), 2e-6)
          << "token " << token << " of " << test.dump().substr(0, 120);
  }
}

TEST(Sampler, log_probabilities_are_the_models_own_whatever_the_options) {
  const auto data = golden();
  const auto logits = data["logits"].get<std::vector<float>>();
  const auto expected = data["logprobs"].get<std::vector<double>>();
  SamplingOptions options;
  options.temperature = 1.7f;
  options.top_k = 5;
  options.presence_penalty = 2;
  options.top_logprobs = 3;
  Sampler sampler(options);
  for (int i = 0; i < 20; ++i) {
    const SampledToken sampled = sampler.sample(logits);
    EXPECT_NEAR(sampled.logprob, expected[sampled.token], 1e-5);
    ASSERT_EQ(sampled.top.size(), 3u);
    std::vector<double> largest = expected;
    std::sort(largest.rbegin(), largest.rend());
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(sampled.top[k].logprob, largest[k], 1e-5);
  }
}

// Pearson's statistic of `draws` samples; with 9 degrees of freedom it exceeds 27.9 once in a thousand seeds.
TEST(Sampler, frequencies_follow_the_distribution) {
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f, 1.5f, -2, 0.2f, 0.9f, -0.3f};
  double total = 0;
  for (float logit : logits) total += std::exp(static_cast<double>(logit));
  for (std::uint64_t seed : {1u, 2u, 3u}) {
    SamplingOptions options;
    options.temperature = 1;
    options.seed = seed;
    Sampler sampler(options);
    constexpr int draws = 20000;
    std::vector<int> counts(logits.size());
    for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits).token];
    double statistic = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected = draws * std::exp(static_cast<double>(logits[i])) / total;
      statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(statistic, 27.9) << "seed " << seed;
    EXPECT_GT(statistic, 1.15) << "seed " << seed << ": too even to be random";
  }
}

TEST(Sampler, first_choices_of_neighbouring_seeds_are_independent) {
  const std::vector<float> logits(16, 0.0f);
  std::vector<int> counts(16);
  for (std::uint64_t seed = 0; seed < 16000; ++seed) {
    SamplingOptions options;
    options.temperature = 1;
    options.seed = seed;
    ++counts[Sampler(options).sample(logits).token];
  }
  double statistic = 0;
  for (int count : counts) statistic += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(statistic, 37.7);  // 15 degrees of freedom, one in a thousand
}

TEST(Sampler, same_seed_gives_the_same_tokens_and_another_seed_others) {
  const std::vector<float> logits(1000, 0.0f);
  const auto draw = [&](std::uint64_t seed) {
    SamplingOptions options;
    options.temperature = 1;
    options.seed = seed;
    Sampler sampler(options);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(sampler.sample(logits).token);
    return tokens;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

TEST(Sampler, nth_choice_does_not_depend_on_earlier_logits) {
  SamplingOptions options;
  options.temperature = 1;
  options.seed = 9;
  Sampler one(options), other(options);
  one.sample(std::vector<float>{0, 5, 1});
  other.sample(std::vector<float>{7, 0});
  const std::vector<float> logits(100, 0.0f);
  EXPECT_EQ(one.sample(logits).token, other.sample(logits).token);
}

TEST(Sampler, greedy_takes_the_largest_and_the_smaller_id_of_a_tie) {
  Sampler sampler({});
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 3, 1, 3}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-2, -1, -3}).token, 1);
}

TEST(Sampler, top_k_keeps_the_smaller_ids_of_a_tie) {
  SamplingOptions options;
  options.temperature = 1;
  options.top_k = 3;
  Sampler sampler(options);
  const auto kept = probabilities(sampler, std::vector<float>{1, 2, 1, 1, 1});
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_TRUE(kept.contains(0) && kept.contains(1) && kept.contains(2));
}

TEST(Sampler, top_p_keeps_the_smaller_ids_of_a_tie) {
  SamplingOptions options;
  options.temperature = 1;
  options.top_p = 0.5f;
  Sampler sampler(options);
  const auto kept = probabilities(sampler, std::vector<float>(8, 0.0f));
  ASSERT_EQ(kept.size(), 4u);
  for (TokenId token : {0, 1, 2, 3}) EXPECT_TRUE(kept.contains(token));
}

TEST(Sampler, presence_and_frequency_penalties_follow_openais_definition) {
  // logit − count · frequency − (count > 0) · presence, over the output only.
  SamplingOptions options;
  options.presence_penalty = 1;
  options.frequency_penalty = 0.5f;
  Sampler sampler(options);
  sampler.observe_prompt(std::vector<TokenId>{0, 0, 0});
  const std::vector<float> logits = {3.9f, 2.2f, 0};
  EXPECT_EQ(sampler.sample(logits).token, 0);  // 3.9 against 2.2
  EXPECT_EQ(sampler.sample(logits).token, 0);  // 2.4 against 2.2
  EXPECT_EQ(sampler.sample(logits).token, 1);  // 1.9 against 2.2
  EXPECT_EQ(sampler.sample(logits).token, 0);  // 1.9 against 0.7
}

TEST(Sampler, repetition_penalty_divides_positive_and_multiplies_negative_logits) {
  SamplingOptions options;
  options.repetition_penalty = 2;
  Sampler sampler(options);
  sampler.observe_prompt(std::vector<TokenId>{0, 2});
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.6f, 1}).token, 1);     // 1.5, 1.6, 0.5
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -9, -0.9f}).token, 2);  // −2, −18, −1.8
}

TEST(Sampler, logit_bias_moves_and_bans_tokens) {
  SamplingOptions options;
  options.logit_bias = {{2, 10.0f}, {1, -infinity}, {1000, 5.0f}};
  ASSERT_TRUE(options.check());
  Sampler sampler(options);
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 50, -1}).token, 2);
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 50}).token, 0);
}

TEST(Sampler, nan_is_never_chosen_while_anything_else_is_possible) {
  for (float temperature : {0.0f, 1.0f}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.top_logprobs = 5;
    Sampler sampler(options);
    for (int i = 0; i < 50; ++i) {
      const SampledToken sampled = sampler.sample(std::vector<float>{nan, -infinity, 1, nan, 2});
      EXPECT_TRUE(sampled.token == 2 || sampled.token == 4);
      EXPECT_EQ(sampled.top.size(), 2u);
    }
  }
}

TEST(Sampler, positive_infinity_wins) {
  SamplingOptions options;
  options.temperature = 0.5f;
  options.top_p = 0.9f;
  options.typical_p = 0.9f;
  Sampler sampler(options);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, infinity, 3}).token, 1);
}

TEST(Sampler, smallest_id_is_chosen_where_nothing_is_possible) {
  SamplingOptions options;
  options.temperature = 1;
  options.top_logprobs = 2;
  Sampler sampler(options);
  const SampledToken sampled = sampler.sample(std::vector<float>{nan, -infinity, nan});
  EXPECT_EQ(sampled.token, 0);
  EXPECT_EQ(sampled.logprob, -infinity);
  EXPECT_TRUE(sampled.top.empty());
}

TEST(SamplingOptions, check_names_the_field_out_of_range) {
  const auto refused = [](auto&& change) {
    SamplingOptions options;
    change(options);
    const Status status = options.check();
    return status ? std::string() : status.error().what;
  };
  EXPECT_TRUE(refused([](auto& o) { o.temperature = -1; }).starts_with("temperature"));
  EXPECT_TRUE(refused([](auto& o) { o.temperature = nan; }).starts_with("temperature"));
  EXPECT_TRUE(refused([](auto& o) { o.top_k = -3; }).starts_with("top_k"));
  EXPECT_TRUE(refused([](auto& o) { o.top_p = 0; }).starts_with("top_p"));
  EXPECT_TRUE(refused([](auto& o) { o.min_p = 1.1f; }).starts_with("min_p"));
  EXPECT_TRUE(refused([](auto& o) { o.typical_p = 0; }).starts_with("typical_p"));
  EXPECT_TRUE(refused([](auto& o) { o.repetition_penalty = 0; }).starts_with("repetition_penalty"));
  EXPECT_TRUE(refused([](auto& o) { o.presence_penalty = nan; }).starts_with("presence_penalty"));
  EXPECT_TRUE(refused([](auto& o) { o.logit_bias = {{3, infinity}}; }).find("logit_bias") != std::string::npos);
  EXPECT_EQ(refused([](auto&) {}), "");
}

TEST(Sampling, TheShortWayOfAGreedyStepChoosesWhatTheLongWayDoes) {
  const float inf = std::numeric_limits<float>::infinity();
  const float top = std::numeric_limits<float>::max();
  std::vector<std::vector<float>> rows = {{nan},      {-inf, -inf}, {nan, -inf, -3}, {-inf, nan, nan},
                                          {1, 2, 2},  {top, inf},   {-0.0f, 0.0f},   {-1, nan, inf, inf}};
  std::mt19937 random_bits(3);
  std::uniform_int_distribution<int> few(-4, 4);
  for (const int size : {15, 16, 17, 1000})
    for (int round = 0; round < 20; ++round) {
      std::vector<float> row(static_cast<std::size_t>(size));
      for (float& x : row) x = static_cast<float>(few(random_bits));
      row[static_cast<std::size_t>(random_bits() % row.size())] = nan;
      rows.push_back(row);
    }
  SamplingOptions without_effect;
  without_effect.logit_bias[-1] = 1;  // no such token, but a bias takes the long way
  for (const auto& row : rows) {
    Sampler quick({}), slow(without_effect);
    EXPECT_EQ(quick.sample(row).token, slow.sample(row).token) << ::testing::PrintToString(row);
  }
}

}  // namespace
}  // namespace sw
