#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"
#include "game/events.hpp"
#include "game/sandbox.hpp"
#include "game/state.hpp"
#include "game/store.hpp"
#include "game_text.hpp"

/// What the terminal shows of a game, as text.
namespace sw::pages {

using game::ConceptIndex;
using game::Content;
using game::State;

std::string welcome(const TextStyle& style, const Content& content, const State& state);
std::string help(const TextStyle& style);
/// One line for above the prompt.
std::string status(const TextStyle& style, const Content& content, const State& state, std::int64_t now);
std::string events(const TextStyle& style, const Content& content, const State& state, const game::Events& events);
std::string speculation(const TextStyle& style, const Content& content, const game::Ingredients& ingredients,
                        const game::Speculation& made);
std::string card(const TextStyle& style, const Content& content, const State& state, ConceptIndex idea);
std::string discovered(const TextStyle& style, const Content& content, const State& state, std::string_view category);
std::string found_by_search(const TextStyle& style, const Content& content, const std::vector<ConceptIndex>& ideas);
/// What each concept can still be used for.
std::string open_ends(const TextStyle& style, const Content& content, const State& state);
std::string way(const TextStyle& style, const Content& content, const State& state, ConceptIndex target);
std::string learning_paths(const TextStyle& style, const Content& content, const State& state);
std::string learning_path(const TextStyle& style, const Content& content, const State& state, std::size_t path);
std::string chapters(const TextStyle& style, const Content& content, const State& state);
/// What can be measured, by module, and what was.
std::string challenges(const TextStyle& style, const Content& content, const State& state);
std::string challenge(const TextStyle& style, const Content& content, const State& state, ConceptIndex idea);
std::string question(const TextStyle& style, const Content& content, const State& state);
std::string statistics(const TextStyle& style, const Content& content, const State& state, std::int64_t now);
std::string tree(const TextStyle& style, const Content& content, const State& state);
std::string timeline(const TextStyle& style, const Content& content, const State& state);
std::string achievements(const TextStyle& style, const Content& content, const State& state);
std::string slots(const TextStyle& style, const std::vector<game::SlotInfo>& slots, std::string_view current,
                  std::size_t total);

}  // namespace sw::pages
