#include "game/save.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "formats/json.hpp"
#include "game/move_json.hpp"
#include "game/random.hpp"

namespace sw::game {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* format_name = "speedwins-game";
/// 2 has challenges among its moves. Version 1 is read too: its moves are moves of this version.
constexpr int format_version = 2, oldest_version = 1;
constexpr const char* where = "the save";

/// Finds a letter that was lost on the way; what was changed on purpose is found by playing the moves.
std::string digest(std::uint64_t seed, const Content& content, const std::vector<Move>& moves) {
  std::uint64_t hash = hash_bytes(std::to_string(seed));
  for (const Move& move : moves) hash = hash_bytes(to_text(content, move), hash);
  return fmt::format("{:016x}", hash);
}

std::vector<std::string> sorted_ids(const Content& content, const State& state) {
  std::vector<std::string> ids;
  for (const Found& found : state.found) ids.push_back(content[found.idea].id);
  std::ranges::sort(ids);
  return ids;
}

const json* field(const json& save, const char* name, bool (json::*is)() const noexcept) {
  const auto at = save.find(name);
  return at != save.end() && ((*at).*is)() ? &*at : nullptr;
}

Result<Imported> import_ours(const Content& content, const json& save, const json& moves) {
  Imported out;
  out.record.seed = save["seed"].get<std::uint64_t>();
  for (std::size_t i = 0; i < moves.size(); ++i) {
    SW_ASSIGN(Move move, parse_move(content, moves[i], fmt::format("the save, move {}", i)));
    out.record.moves.push_back(std::move(move));
  }
  if (digest(out.record.seed, content, out.record.moves) != save.value("digest", ""))
    return fail("its digest does not fit its moves", where, {}, "It was changed or damaged; export it again");
  auto state = replay(content, out.record);
  if (!state) {
    Error error = std::move(state).error();
    error.where = fmt::format("the save, {}", error.where);
    error.next = "It was not made by playing";
    return std::unexpected(std::move(error));
  }
  out.state = std::move(*state);
  const json* found = field(save, "discovered", &json::is_array);
  auto claimed = found ? *found : json();
  if (found) std::sort(claimed.begin(), claimed.end());
  if (claimed != json(sorted_ids(content, out.state)))
    return fail("it claims other discoveries than its moves lead to", where, {}, "It was changed; export it again");
  return out;
}

Result<Imported> import_others(const Content& content, const json& save, const json& moves) {
  Imported out;
  out.record.seed = save["seed"].get<std::uint64_t>();
  int unknown = 0;
  Record all{out.record.seed, {}};
  for (const json& item : moves) {
    auto move = parse_move(content, item, where);
    if (move)
      all.moves.push_back(std::move(*move));
    else
      ++unknown;
  }
  // What does not hold any more is left out, so that the game is a whole one again.
  int skipped = 0;
  const State partial = replay_what_holds(content, all, skipped);
  out.record.moves = partial.history;
  SW_ASSIGN(out.state, replay(content, out.record));
  const int lost = unknown + skipped;
  out.notes.push_back("The save was made with other content.");
  if (lost > 0) out.notes.push_back(fmt::format("{} of its {} moves do not hold any more.", lost, moves.size()));
  return out;
}

}  // namespace

std::string export_save(const Content& content, const Record& record, const State& state) {
  ordered_json out{{"format", format_name},
                   {"version", format_version},
                   {"content", content.fingerprint},
                   {"seed", record.seed},
                   {"discovered", sorted_ids(content, state)},
                   {"score", state.score()},
                   {"moves", ordered_json::array()},
                   {"digest", digest(record.seed, content, record.moves)}};
  for (const Move& move : record.moves) out["moves"].push_back(to_json(content, move));
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Imported> import_save(const Content& content, std::string_view text) {
  if (text.size() > largest_save)
    return fail(fmt::format("it has {} bytes", text.size()), where, fmt::format("at most {}", largest_save));
  auto parsed = parse_json(text, where);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.next = "Export it again";
    return std::unexpected(std::move(error));
  }
  const json& save = *parsed;
  if (!save.is_object() || save.value("format", json()) != format_name)
    return fail("it is no save of this game", where, fmt::format("\"format\": \"{}\"", format_name));
  const json version = save.value("version", json());
  if (!version.is_number_integer() || version < oldest_version || version > format_version)
    return fail("it is of another version", where, fmt::format("\"version\": {} to {}", oldest_version, format_version),
                "Use the newest program");
  const json* moves = field(save, "moves", &json::is_array);
  const json* seed = field(save, "seed", &json::is_number_unsigned);
  const json* made_with = field(save, "content", &json::is_string);
  const json* checksum = field(save, "digest", &json::is_string);
  if (!moves || !seed || !made_with || !checksum || seed->get<std::uint64_t>() >= seed_limit)
    return fail("it lacks its moves, seed, content or digest", where, {}, "Export it again");
  if (moves->size() > most_moves)
    return fail(fmt::format("it has {} moves", moves->size()), where, fmt::format("at most {}", most_moves));
  return *made_with == content.fingerprint ? import_ours(content, save, *moves) : import_others(content, save, *moves);
}

}  // namespace sw::game
