#pragma once

#include <string>
#include <vector>

#include "game/content.hpp"

namespace sw::game {

/// How much there must be.
struct Least {
  int concepts = 250, pairs = 600, misconceptions = 150;
  int challenges = 1;  ///< of each module
};

/// What makes the content a bad game although it can be loaded: concepts that cannot be reached or lead nowhere,
/// clashing recipes, locks, difficulty that does not grow, too little of anything. One line each; none: all is well.
std::vector<std::string> validate(const Content& content, const Least& least = {});

}  // namespace sw::game
