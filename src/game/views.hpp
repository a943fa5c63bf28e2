#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "game/content.hpp"
#include "game/events.hpp"
#include "game/state.hpp"
#include "game/store.hpp"

/// The shapes of docs/game-api.md as JSON.
namespace sw::game::views {

using Json = nlohmann::ordered_json;

Json brief(const Content& content, const State& state, ConceptIndex idea);
Json state(const Content& content, const State& state, const std::string& slot, std::int64_t now);
Json summary(const Content& content, const State& state, std::int64_t now);
Json events(const Content& content, const State& state, const Events& events);
/// "discovered", "another_way", "known", "misconception" or "nothing"; empty where nothing was combined.
std::string outcome(const Events& events);
Json hint(const Content& content, const State& state, const Help& help);
Json quiz(const Content& content, const State& state);
Json card(const Content& content, const State& state, ConceptIndex idea);
Json statistics(const Content& content, const State& state, std::int64_t now);
Json achievements(const Content& content, const State& state);
Json paths(const Content& content, const State& state);
Json way(const Content& content, const State& state, ConceptIndex target);
Json slots(std::span<const SlotInfo> slots);

/// Everything, known or not: what a page needs to play offline, and what `speedwins game concepts` prints.
Json content(const Content& content);
Json concept_list(const Content& content);

}  // namespace sw::game::views
