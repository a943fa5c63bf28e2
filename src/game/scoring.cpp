#include "game/scoring.hpp"

#include <algorithm>

namespace sw::game::scoring {
namespace {

constexpr std::string_view titles[n_levels] = {"Curious",         "Reader",     "Tinkerer",  "Apprentice",
                                               "Practitioner",    "Profiler",   "Optimizer", "Engineer",
                                               "Senior Engineer", "Specialist", "Architect", "Systems Architect",
                                               "Researcher",      "Principal",  "Fellow",    "Luminary"};

/// A handful of discoveries reach level 2, nearly all of them the last.
constexpr int threshold(int number) {
  return 60 * number * (number - 1);
}

}  // namespace

Level level(int number) {
  number = std::clamp(number, 1, n_levels);
  return {number, titles[number - 1], threshold(number), number < n_levels ? threshold(number + 1) : 0};
}

Level level_at(int points) {
  int number = 1;
  while (number < n_levels && points >= threshold(number + 1)) ++number;
  return level(number);
}

}  // namespace sw::game::scoring
