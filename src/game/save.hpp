#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"
#include "game/rules.hpp"

namespace sw::game {

constexpr std::size_t largest_save = 8u << 20;    ///< bytes
constexpr std::size_t most_moves = 50'000;        ///< of one game
constexpr std::uint64_t seed_limit = 1ull << 53;  ///< seeds are below it, so that JSON readers keep them exactly

/// A game as a JSON document: its seed, its moves, and what they led to.
std::string export_save(const Content& content, const Record& record, const State& state);

struct Imported {
  Record record;
  State state;
  std::vector<std::string> notes;  ///< what its player should know: "2 moves do not hold with this content"
};

/// Plays a save's moves again, so that nothing is believed that the rules do not grant: a save that claims more than
/// its moves lead to, or whose moves break the rules, is refused. A save from other content is played as far as it
/// holds.
Result<Imported> import_save(const Content& content, std::string_view text);

}  // namespace sw::game
