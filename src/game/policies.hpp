#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "game/content.hpp"
#include "game/rules.hpp"

namespace sw::game {

/// Players without a person, to see what the content is like to play.
enum class Policy {
  random,     ///< any two things found, never the same pair twice
  attentive,  ///< the same, but leaves out what was said to have nothing within reach
  hints,      ///< asks for help until it shows the ingredients, then combines them
  expert      ///< always combines what is new, the easiest first
};
constexpr std::string_view policy_names[] = {"random", "attentive", "hints", "expert"};

/// What was found after each combination: [0] is the start.
struct Curve {
  std::vector<int> found;
  State end;
};

/// Plays until everything is found or `attempts` combinations were made.
Curve play_policy(const Content& content, Policy policy, std::uint64_t seed, int attempts);

}  // namespace sw::game
