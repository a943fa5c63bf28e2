#pragma once

#include <cstdint>

namespace sw::game {

/// How well a concept is remembered, by the SuperMemo 2 algorithm (Wozniak 1990,
/// https://super-memory.com/english/ol/sm2.htm): an answer that was right lengthens the time to the next question by a
/// factor that is the concept's own; one that was wrong begins again with a day.
struct Review {
  double ease = 2.5;
  int repetitions = 0;    ///< right answers in a row
  int interval_days = 0;  ///< 0: never asked
  std::int64_t due = 0;   ///< Unix seconds
};

enum class Mastery { fresh, learning, known, mastered };

constexpr std::int64_t seconds_per_day = 86400;

/// A concept found at `at`: first asked for after a day.
Review first_review(std::int64_t at);

/// `quality` is SM-2's 0 … 5; from 3 up the answer was right.
Review reviewed(Review review, int quality, std::int64_t at);

/// Never asked; asked; right twice in a row; an interval of three weeks.
Mastery mastery(const Review& review);
const char* name(Mastery mastery);

}  // namespace sw::game
