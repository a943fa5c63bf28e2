#pragma once

#include <string>
#include <vector>

#include "curriculum/phrasings.hpp"
#include "curriculum/random.hpp"

namespace sw::curriculum {

struct Turn {
  std::string question, answer;
};

/// A conversation with right answers. In a test the last turn is asked, those before are its history.
struct Lesson {
  std::string kind;
  int grade = 1;
  std::vector<Turn> turns;
};

/// The first sentence of a text.
std::string first_sentence(const std::string& text);

}  // namespace sw::curriculum
