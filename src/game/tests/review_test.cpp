#include "game/review.hpp"

#include <gtest/gtest.h>

namespace sw::game {
namespace {

constexpr std::int64_t day = 86400;

// The numbers are SM-2's own: I(1) = 1, I(2) = 6, I(n) = I(n-1) * EF; EF' = EF + (0.1 - (5-q) * (0.08 + (5-q) * 0.02)).

TEST(Review, right_answers_come_back_after_1_6_and_15_days) {
  Review review = first_review(0);
  EXPECT_EQ(review.due, day);
  review = reviewed(review, 4, day);
  EXPECT_EQ(review.interval_days, 1);
  review = reviewed(review, 4, review.due);
  EXPECT_EQ(review.interval_days, 6);
  review = reviewed(review, 4, review.due);
  EXPECT_EQ(review.interval_days, 15);  // 6 × 2.5
  EXPECT_EQ(review.due, (1 + 1 + 6 + 15) * day);
  EXPECT_DOUBLE_EQ(review.ease, 2.5);  // quality 4 leaves it
}

TEST(Review, a_wrong_answer_begins_again_and_makes_it_harder) {
  Review review = reviewed(reviewed(first_review(0), 4, 0), 4, 0);
  review = reviewed(review, 1, 100);
  EXPECT_EQ(review.interval_days, 1);
  EXPECT_EQ(review.repetitions, 0);
  EXPECT_NEAR(review.ease, 2.5 + 0.1 - 4 * (0.08 + 4 * 0.02), 1e-12);
  EXPECT_EQ(review.due, 100 + day);
}

TEST(Review, ease_stays_above_1_3_and_intervals_below_ten_years) {
  Review review = first_review(0);
  for (int i = 0; i < 20; ++i) review = reviewed(review, 0, 0);
  EXPECT_DOUBLE_EQ(review.ease, 1.3);
  for (int i = 0; i < 100; ++i) review = reviewed(review, 5, 0);
  EXPECT_EQ(review.interval_days, 3650);
}

TEST(Review, mastery_grows_from_new_to_mastered) {
  Review review = first_review(0);
  EXPECT_EQ(mastery(review), Mastery::fresh);
  review = reviewed(review, 4, 0);
  EXPECT_EQ(mastery(review), Mastery::learning);
  review = reviewed(review, 4, 0);
  EXPECT_EQ(mastery(review), Mastery::known);
  review = reviewed(reviewed(review, 4, 0), 4, 0);  // 15, then 38 days
  EXPECT_EQ(mastery(review), Mastery::mastered);
}

}  // namespace
}  // namespace sw::game
