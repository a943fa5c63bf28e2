#include "game/review.hpp"

#include <algorithm>
#include <cmath>

namespace sw::game {
namespace {

constexpr double least_ease = 1.3;
constexpr int longest_interval_days = 3650;
constexpr int mastered_interval_days = 21;

}  // namespace

Review first_review(std::int64_t at) {
  return {.due = at + seconds_per_day};
}

Review reviewed(Review review, int quality, std::int64_t at) {
  if (quality < 3) {
    review.repetitions = 0;
    review.interval_days = 1;
  } else {
    ++review.repetitions;
    if (review.repetitions == 1)
      review.interval_days = 1;
    else if (review.repetitions == 2)
      review.interval_days = 6;
    else
      review.interval_days =
          static_cast<int>(std::lround(std::min<double>(review.interval_days * review.ease, longest_interval_days)));
  }
  const double miss = 5 - quality;
  review.ease = std::max(least_ease, review.ease + 0.1 - miss * (0.08 + miss * 0.02));
  review.due = at + review.interval_days * seconds_per_day;
  return review;
}

Mastery mastery(const Review& review) {
  if (review.interval_days == 0) return Mastery::fresh;
  if (review.interval_days >= mastered_interval_days) return Mastery::mastered;
  return review.repetitions >= 2 ? Mastery::known : Mastery::learning;
}

const char* name(Mastery mastery) {
  switch (mastery) {
    case Mastery::fresh:
      return "new";
    case Mastery::learning:
      return "learning";
    case Mastery::known:
      return "known";
    case Mastery::mastered:
      return "mastered";
  }
  return "";
}

}  // namespace sw::game
