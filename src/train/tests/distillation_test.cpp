#include "train/distillation.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "train/random.hpp"

namespace sw::train {
namespace {

std::vector<float> noise(std::size_t n, const std::string& name) {
  const Stream stream(11, name);
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(1.5 * stream.normal(i));
  return out;
}

double judge(const DistillationOptions& options, const TeacherRows& teacher, std::vector<float>& logits, float scale) {
  const std::vector<TokenId> targets = {1};
  const std::vector<float> weights = {0.7f};
  std::vector<float> scratch(logits.size());
  return DistillationLoss(options, targets, weights, teacher).judge(0, logits, scale, scratch.data());
}

RC_GTEST_PROP(DistillationLoss, HasItsSlopesAsGradient, ()) {
  const int vocab = *rc::gen::inRange(4, 40), top_k = *rc::gen::inRange(1, vocab - 1);
  const DistillationOptions options{.temperature = *rc::gen::element(1.0f, 2.0f, 0.7f),
                                    .kl = *rc::gen::element(0.0f, 0.6f),
                                    .reverse_kl = *rc::gen::element(0.0f, 0.3f),
                                    .cross_entropy = 0.1f};
  TeacherRows teacher(1, top_k);
  take_top(noise(static_cast<std::size_t>(vocab), "teacher"), options.temperature, teacher.tokens(0),
           teacher.log_probabilities(0));
  const std::vector<float> logits = noise(static_cast<std::size_t>(vocab), "student");
  std::vector<float> gradient = logits;
  judge(options, teacher, gradient, 1);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    constexpr float h = 1e-2f;
    std::vector<float> above = logits, below = logits;
    above[i] += h;
    below[i] -= h;
    const double slope = (judge(options, teacher, above, 1) - judge(options, teacher, below, 1)) / (2 * h);
    RC_ASSERT(std::abs(slope - gradient[i]) < 1e-3);
  }
}

TEST(DistillationLoss, IsNothingForAStudentThatAgrees) {
  const std::vector<float> logits = noise(30, "both");
  const DistillationOptions options{.temperature = 2, .kl = 0.5f, .reverse_kl = 0.5f, .cross_entropy = 0};
  TeacherRows teacher(1, 12);
  take_top(logits, options.temperature, teacher.tokens(0), teacher.log_probabilities(0));
  std::vector<float> gradient = logits;
  EXPECT_NEAR(judge(options, teacher, gradient, 1), 0, 1e-6);
  for (const float g : gradient) EXPECT_NEAR(g, 0, 1e-6);
}

TEST(DistillationLoss, IsTheKullbackLeiblerDivergenceWhenAllTokensAreKept) {
  const std::vector<float> p_logits = noise(9, "p"), q_logits = noise(9, "q");
  const DistillationOptions options{.temperature = 3, .kl = 1, .reverse_kl = 0, .cross_entropy = 0};
  TeacherRows teacher(1, 9);
  take_top(p_logits, options.temperature, teacher.tokens(0), teacher.log_probabilities(0));
  double p_sum = 0, q_sum = 0, want = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    p_sum += std::exp(p_logits[i] / 3.0);
    q_sum += std::exp(q_logits[i] / 3.0);
  }
  for (std::size_t i = 0; i < 9; ++i) {
    const double p = std::exp(p_logits[i] / 3.0) / p_sum, q = std::exp(q_logits[i] / 3.0) / q_sum;
    want += p * std::log(p / q);
  }
  std::vector<float> logits = q_logits;
  EXPECT_NEAR(judge(options, teacher, logits, 1), 0.7 * 9 * want, 1e-4);
}

}  // namespace
}  // namespace sw::train
