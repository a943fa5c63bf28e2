#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.hpp"
#include "game/content.hpp"
#include "game/moves.hpp"

namespace sw::game {

/// {"type": "combine", "ingredients": ["a", "b"], "at": 1700000000}: see docs/game-api.md.
nlohmann::ordered_json to_json(const Content& content, const Move& move);
std::string to_text(const Content& content, const Move& move);

/// `where` is the move's name in errors. Refuses unknown types, fields of the wrong kind and ids that there are not.
Result<Move> parse_move(const Content& content, const nlohmann::json& json, const std::string& where);
Result<Move> parse_move(const Content& content, std::string_view text, const std::string& where);

/// "module:3", "chapter:minimum_viable:0", "review".
std::string to_text(const Content& content, const Scope& scope);
Result<Scope> parse_scope(const Content& content, std::string_view text);

}  // namespace sw::game
