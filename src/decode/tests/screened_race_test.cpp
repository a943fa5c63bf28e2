// A choice from a screened row must be the one from the whole row, whatever the logits, their bounds and the options.
#include "decode/screened_race.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "decode/sampler.hpp"

namespace sw {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// A row that is computed as an executor would: at first what wanted() says, and more when asked to.
struct Row {
  std::vector<float> all, bounds, values;
  std::int64_t computed = 0;
  bool whole = false;

  /// Bounds are up to `loose` above the logits.
  Row(std::vector<float> logits, float loose, std::mt19937& random) : all(std::move(logits)) {
    std::uniform_real_distribution<float> above(0, loose);
    for (const float x : all) bounds.push_back(std::isnan(x) ? x : x + above(random));
  }

  LogitsRow screened(const WantedLogits& wanted) {
    values.assign(all.size(), -infinity);
    std::vector<bool> apart(all.size());
    for (const TokenId token : wanted.always)
      if (token >= 0 && token < std::ssize(all)) apart[token] = true;
    float threshold = -infinity;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto row = static_cast<std::uint32_t>(i);
      if (!apart[i] && wanted.race->bound(bounds[i], row) < threshold) continue;
      values[i] = all[i];
      if (apart[i] || std::isnan(all[i])) continue;
      const auto score = static_cast<float>(wanted.race->score(all[i], row));
      if (const float reached = score - Race::slack(score); reached > threshold) threshold = reached;
    }
    return {values, bounds, [this](float least) {
              whole |= least == -infinity;
              for (std::size_t i = 0; i < all.size(); ++i)
                if (values[i] == -infinity && (least == -infinity || bounds[i] >= least)) values[i] = all[i];
            }};
  }
};

struct Logits {
  const char* name;
  float looseness;  ///< of the bounds
  std::vector<float> (*make)(std::mt19937&);
};

std::vector<float> normals(std::mt19937& random, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> out(4000);
  for (float& x : out) x = normal(random);
  return out;
}

/// p ∝ 1 / rank^exponent, shuffled: word frequencies (Zipf), and with larger exponents what a sure model says.
std::vector<float> zipf(std::mt19937& random, float exponent) {
  std::vector<float> out(4000);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 10 - exponent * std::log(static_cast<float>(i + 1));
  std::shuffle(out.begin(), out.end(), random);
  return out;
}

const Logits kinds[] = {
    {"gaussian", 1, [](std::mt19937& random) { return normals(random, 2.5f); }},
    {"gaussian_loose", 8, [](std::mt19937& random) { return normals(random, 2.5f); }},
    {"nearly_flat", 0.5f, [](std::mt19937& random) { return normals(random, 0.01f); }},
    {"flat", 0, [](std::mt19937&) { return std::vector<float>(4000, 3.0f); }},
    {"zipf", 0.3f, [](std::mt19937& random) { return zipf(random, 1); }},
    {"steep", 1, [](std::mt19937& random) { return zipf(random, 3); }},
    {"steep_far_from_zero", 1,
     [](std::mt19937& random) {
       auto out = zipf(random, 3);
       for (float& x : out) x += 3000;
       return out;
     }},
    {"ties", 1,
     [](std::mt19937& random) {
       auto out = normals(random, 2);
       for (float& x : out) x = std::round(x);
       return out;
     }},
    {"one_or_two", 2,
     [](std::mt19937& random) {
       auto out = normals(random, 1);
       out[random() % out.size()] = out[random() % out.size()] = 30;
       return out;
     }},
    {"not_numbers", 1,
     [](std::mt19937& random) {
       auto out = zipf(random, 2);
       for (std::size_t i = 0; i < out.size(); i += 7) out[i] = i % 2 ? std::nanf("") : -infinity;
       if (random() % 4 == 0) out[random() % out.size()] = infinity;
       return out;
     }},
    {"nothing", 1, [](std::mt19937&) { return std::vector<float>(4000, std::nanf("")); }},
};

class ScreenedRaces : public testing::TestWithParam<Logits> {};
INSTANTIATE_TEST_SUITE_P(, ScreenedRaces, testing::ValuesIn(kinds),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(ScreenedRaces, are_won_by_the_token_that_all_logits_give) {
  std::mt19937 random(7);
  int raced = 0, whole = 0;
  for (const float temperature : {1e-30f, 1e-4f, 0.1f, 0.7f, 1.0f, 2.0f, 100.0f})
    for (const auto& [top_p, min_p] : {std::pair{1.0f, 0.0f}, {0.95f, 0.0f}, {0.9f, 0.02f}, {0.5f, 0.0f}, {1.0f, 0.1f},
                                       {1e-6f, 0.0f}, {0.999999f, 0.0f}, {1.0f, 1.0f}})
      for (const bool adjusts : {false, true}) {
        SamplingOptions options;
        options.temperature = temperature;
        options.top_p = top_p;
        options.min_p = min_p;
        options.seed = random();
        if (adjusts) {
          options.repetition_penalty = 1.3f;
          options.presence_penalty = 0.5f;
          options.frequency_penalty = 0.2f;
          options.logit_bias = {{5, 4.0f}, {6, -infinity}, {100000, 3.0f}, {17, -2.0f}};
        }
        Sampler whole_rows(options), screened_rows(options);
        for (Sampler* sampler : {&whole_rows, &screened_rows})
          sampler->observe_prompt(std::vector<TokenId>{1, 2, 3, 5, 3999});
        for (int step = 0; step < 12; ++step) {
          Row row(GetParam().make(random), GetParam().looseness, random);
          const TokenId expected = whole_rows.sample(row.all).token;
          const WantedLogits wanted = screened_rows.wanted();
          const TokenId found = wanted.race ? screened_rows.sample(row.screened(wanted)).token
                                            : screened_rows.sample(LogitsRow{row.all, {}, {}}).token;
          raced += wanted.race.has_value();
          whole += row.whole;
          ASSERT_EQ(found, expected) << "temperature " << temperature << ", top_p " << top_p << ", min_p " << min_p
                                     << ", step " << step;
        }
      }
  const std::string name = GetParam().name;
  ASSERT_GT(raced, 100);
  if (name.starts_with("steep") || name == "one_or_two") {
    EXPECT_LT(whole, raced / 5) << "of " << raced;
  }
}

TEST(ScreenedRace, pauses_longer_and_longer_where_it_fails) {
  std::mt19937 random(3);
  SamplingOptions options;
  options.temperature = 1;
  options.top_p = 0.95f;
  Sampler sampler(options);
  int raced = 0;
  constexpr int steps = 1000;
  for (int step = 0; step < steps; ++step) {
    Row row(normals(random, 0.01f), 5, random);
    const WantedLogits wanted = sampler.wanted();
    raced += wanted.race.has_value();
    sampler.sample(wanted.race ? row.screened(wanted) : LogitsRow{row.all, {}, {}});
  }
  EXPECT_LT(raced, steps / 40);
  EXPECT_GT(raced, 5) << "it should be tried again now and then";
}

TEST(Race, is_won_in_proportion_to_weights) {
  // Pearson's statistic, 199 degrees of freedom: 267.5 is exceeded once in a thousand seeds.
  std::vector<float> logits(200);
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) total += std::exp(double{logits[i] = -0.01f * static_cast<float>(i)});
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    std::vector<int> wins(logits.size());
    constexpr int races = 100000;
    for (std::uint64_t n = 0; n < races; ++n) {
      const Race race(seed, n, 0.5f);
      std::size_t best = 0;
      for (std::size_t i = 1; i < logits.size(); ++i)
        if (race.score(logits[i] / 2, static_cast<std::uint32_t>(i)) >
            race.score(logits[best] / 2, static_cast<std::uint32_t>(best)))
          best = i;
      ++wins[best];
    }
    double statistic = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected = races * std::exp(double{logits[i]}) / total;
      statistic += (wins[i] - expected) * (wins[i] - expected) / expected;
    }
    EXPECT_LT(statistic, 267.5) << seed;
    EXPECT_GT(statistic, 144) << seed << ": too even to be random";
  }
}

TEST(Race, bounds_every_score_closely) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 20);
  int high = 0, rows = 0;
  for (std::uint64_t n = 0; n < 200; ++n)
    for (const float temperature : {0.01f, 1.0f, 100.0f}) {
      const Race race(n, n % 7, temperature);
      for (std::uint32_t row = 0; row < 3000; ++row) {
        const float logit = normal(random);
        const double score = race.score(logit, row);
        ASSERT_GE(race.bound(logit, row) + Race::slack(static_cast<float>(score)), score);
        high += race.bound(0, row) >= 5;
        ++rows;
      }
    }
  EXPECT_NEAR(high, rows * std::exp(-5), rows * std::exp(-5) / 10) << "Gumbel numbers of 5 or more";
}

}  // namespace
}  // namespace sw
