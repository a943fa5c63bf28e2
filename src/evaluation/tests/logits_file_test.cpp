#include "evaluation/logits_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <random>

namespace sw {
namespace {

namespace fs = std::filesystem;

class LogitsFile : public testing::Test {
 protected:
  ~LogitsFile() override { fs::remove(path); }
  const fs::path path = fs::temp_directory_path() / ("speedwins-logits-" + std::to_string(::getpid()));
  const LogitsHeader header{.convention = Convention::transformers,
                            .vocab = 500,
                            .window = 64,
                            .stride = 32,
                            .windows = 3,
                            .model = "a model",
                            .tokens = {1, 2, 499}};
};

std::vector<float> random_logits(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(n);
  for (float& logit : logits) logit = std::normal_distribution<float>(0, 4)(random);
  return logits;
}

TEST_F(LogitsFile, gives_back_probabilities_that_sum_to_one) {
  {
    auto writer = LogitsWriter::create(path, header);
    ASSERT_TRUE(writer);
    for (unsigned row = 0; row < 4; ++row) ASSERT_TRUE(writer->add(random_logits(500, row)));
    ASSERT_TRUE(writer->commit());
  }
  auto reader = LogitsReader::open(path);
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ(reader->rows(), 4u);
  EXPECT_EQ(reader->header().model, "a model");
  EXPECT_EQ(reader->header().tokens, header.tokens);
  EXPECT_EQ(reader->header().convention, Convention::transformers);
  for (unsigned row = 0; row < 4; ++row) {
    const auto logits = random_logits(500, row);
    const auto kept = reader->row(row);
    double sum = 0, normalizer = 0;
    for (const float logit : logits) normalizer += std::exp(static_cast<double>(logit));
    for (std::size_t i = 0; i < kept.size(); ++i) {
      sum += std::exp(static_cast<double>(kept[i]));
      EXPECT_NEAR(kept[i], logits[i] - std::log(normalizer), 5e-4);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
    const Divergence d = divergence(kept, logits, 7);
    EXPECT_NEAR(d.kl, 0, 1e-6);
    EXPECT_TRUE(d.same_top);
    EXPECT_NEAR(d.nats_more, 0, 5e-4);
  }
}

TEST_F(LogitsFile, that_is_cut_or_is_something_else_is_refused) {
  {
    auto writer = LogitsWriter::create(path, header);
    ASSERT_TRUE(writer && writer->add(random_logits(500, 1)) && writer->commit());
  }
  const auto size = fs::file_size(path);
  for (const auto cut : {size - 1, std::uintmax_t{60}, std::uintmax_t{10}, std::uintmax_t{1}}) {
    fs::resize_file(path, cut);
    EXPECT_FALSE(LogitsReader::open(path)) << cut;
  }
  std::ofstream(path) << std::string(200, 'x');
  EXPECT_FALSE(LogitsReader::open(path));
}

TEST_F(LogitsFile, whose_header_promises_more_than_there_is_allocates_nothing_for_it) {
  {
    auto writer = LogitsWriter::create(path, header);
    ASSERT_TRUE(writer && writer->commit());
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(48);  // the number of tokens
  const std::uint64_t many = std::uint64_t{1} << 61;
  file.write(reinterpret_cast<const char*>(&many), sizeof(many));
  file.close();
  EXPECT_FALSE(LogitsReader::open(path));
}

TEST(DivergenceOf, two_coins_is_the_textbook_value) {
  // KL((0.5, 0.5) ‖ (0.9, 0.1)) = 0.5 ln(0.5/0.9) + 0.5 ln(0.5/0.1) = 0.510826
  const std::vector<float> fair = {std::log(0.5f), std::log(0.5f)}, bent = {std::log(0.9f), std::log(0.1f)};
  EXPECT_NEAR(divergence(fair, bent, 1).kl, 0.510826, 1e-5);
  EXPECT_NEAR(divergence(fair, bent, 1).nats_more, std::log(0.5 / 0.1), 1e-5);
  EXPECT_NEAR(divergence(fair, fair, 0).kl, 0, 1e-7);
}

}  // namespace
}  // namespace sw
