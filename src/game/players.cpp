#include "game/players.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "game/graph.hpp"
#include "game/move_json.hpp"

namespace sw::game {
namespace {

constexpr std::size_t most_in_memory = 512;  ///< games

std::string discovered_by(const Content& content, const Events& events) {
  for (const Event& event : events)
    if (const auto* found = std::get_if<event::Discovered>(&event)) return content[found->idea].id;
  return {};
}

/// What each move of a record discovers, as the database keeps it.
std::vector<StoredMove> stored_moves(const Content& content, const Record& record, const State& state) {
  std::vector<StoredMove> out;
  for (const Move& move : record.moves) out.push_back({to_text(content, move), {}});
  for (const Found& found : state.found)
    if (!found.from.empty()) out[found.move].gave = content[found.idea].id;
  return out;
}

std::unexpected<Error> raced(const Seat& seat) {
  return fail("another program changed this game at the same time", fmt::format("slot {}", seat.slot), {}, "Try again");
}

}  // namespace

bool is_slot_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Record carry_over(const Content& content, const Record& record, const std::vector<std::string>& gave) {
  State state = new_game(content, record.seed);
  std::vector<ConceptIndex> owed;  // found once, not yet found again
  const auto settle = [&](std::int64_t at) {
    for (bool more = true; more;) {
      more = false;
      for (const ConceptIndex idea : owed) {
        const Recipe* recipe = state.knows(idea) ? nullptr : usable_recipe(content, state, idea);
        if (recipe) more = apply(content, state, {Combine{recipe->ingredients, {}}, at}).has_value() || more;
      }
      std::erase_if(owed, [&](ConceptIndex idea) { return state.knows(idea); });
    }
  };
  for (std::size_t i = 0; i < record.moves.size(); ++i) {
    (void)apply(content, state, record.moves[i]);
    if (gave[i].empty()) continue;
    if (const auto idea = content.find(gave[i]); idea && !state.knows(*idea)) owed.push_back(*idea);
    settle(state.last_at);
  }
  return {record.seed, state.history};
}

Players::Players(const Content& content, Store& store, Clock clock, Seeds seeds)
    : content_(content), store_(store), clock_(std::move(clock)), seeds_(std::move(seeds)) {}

SlotInfo Players::describe(const Seat& seat, const State& state) const {
  return {seat.slot, state.moves, static_cast<int>(state.found.size()), state.score(), clock_()};
}

Players::GamePtr Players::seat(const Seat& seat) {
  const std::string name = seat.player + '/' + seat.slot;
  const std::scoped_lock lock(mutex_);
  if (const auto cached = games_.find(name); cached != games_.end()) {
    recent_.splice(recent_.begin(), recent_, cached->second.place);
    return cached->second.game;
  }
  recent_.push_front(name);
  auto game = std::make_shared<Game>();
  games_.emplace(name, Cached{game, recent_.begin()});
  if (games_.size() > most_in_memory) {
    // Whoever still plays on it holds a pointer; the database tells two copies of one game apart.
    games_.erase(recent_.back());
    recent_.pop_back();
  }
  return game;
}

Status Players::load(const Seat& seat, Game& game) {
  SW_ASSIGN(auto stored, store_.read(seat.player, seat.slot));
  game.stored = stored.has_value();
  if (!stored) {
    game.head = {};
    game.log.clear();
    game.state = new_game(content_, seeds_() % seed_limit);
    return {};
  }
  Record record{stored->seed, {}};
  std::vector<std::string> gave;
  bool whole = stored->content == content_.fingerprint;
  for (std::size_t i = 0; i < stored->moves.size(); ++i) {
    auto move = parse_move(content_, stored->moves[i].text, fmt::format("slot {}, move {}", seat.slot, i));
    if (move) {
      record.moves.push_back(std::move(*move));
      gave.push_back(std::move(stored->moves[i].gave));
      continue;
    }
    whole = false;
    // What it was made of is gone; what it gave may still be there.
    const std::int64_t at = record.moves.empty() ? 0 : record.moves.back().at;
    if (stored->moves[i].gave.empty()) continue;
    record.moves.push_back({Combine{}, at});
    gave.push_back(std::move(stored->moves[i].gave));
  }
  game.head = stored->head;
  if (whole)
    if (auto state = replay(content_, record)) {
      game.state = std::move(*state);
      game.log = std::move(record.moves);
      return {};
    }
  record = carry_over(content_, record, gave);
  SW_ASSIGN(State state, replay(content_, record));
  return write(seat, game, record, std::move(state));
}

/// Gives the slot `record`, in the database and in memory.
Status Players::write(const Seat& seat, Game& game, const Record& record, State state) {
  StoredGame stored{.head = {.generation = game.head.generation + 1, .moves = 0},
                    .seed = record.seed,
                    .content = content_.fingerprint,
                    .moves = stored_moves(content_, record, state)};
  const auto expected = game.stored ? std::optional(game.head) : std::nullopt;
  SW_ASSIGN(const bool replaced, store_.replace(seat.player, expected, stored, describe(seat, state)));
  if (!replaced) return raced(seat);
  game.stored = true;
  game.head = {stored.head.generation, static_cast<std::uint32_t>(record.moves.size())};
  game.log = record.moves;
  game.state = std::move(state);
  return {};
}

/// Loads what another program has changed, and what is not there yet.
Status Players::refresh(const Seat& seat, Game& game) {
  const bool empty = game.state.place.empty();
  SW_ASSIGN(const auto head, store_.head(seat.player, seat.slot));
  if (!empty && head.has_value() == game.stored && (!head || *head == game.head)) return {};
  return load(seat, game);
}

Status Players::look(const Seat& at, const Look& look) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  look(game->state);
  return {};
}

Result<Events> Players::play_one(const Seat& seat, Game& game, const Move& move) {
  if (game.log.size() >= most_moves)
    return fail(fmt::format("the game has {} moves", game.log.size()), "the move", {},
                "Begin a new one with its share code");
  if (!game.stored) {
    SW_ASSIGN(const auto others, store_.slots(seat.player));
    if (others.size() >= most_slots)
      return fail(fmt::format("there are {} saved games", others.size()), "the move", {}, "Delete one first");
  }
  // Undoing rebuilds the state anyway, so a copy to fall back to costs nothing that matters.
  State next = game.state;
  SW_ASSIGN(Events events, apply(content_, next, move));
  if (!game.stored) {
    SW_TRY(write(seat, game, {next.seed, {move}}, std::move(next)));
    return events;
  }
  const StoredMove stored{to_text(content_, move), discovered_by(content_, events)};
  SW_ASSIGN(const bool appended, store_.append(seat.player, game.head, stored, describe(seat, next)));
  if (!appended) return raced(seat);
  ++game.head.moves;
  game.log.push_back(move);
  game.state = std::move(next);
  return events;
}

Result<Played> Players::repeat(const Game& game, const Action& action, std::uint32_t number) const {
  Played played{.events = {}, .repeated = true, .conflict = true};
  if (number >= game.log.size() || game.log[number].action != action) return played;
  const Record before{game.state.seed, {game.log.begin(), game.log.begin() + number}};
  SW_ASSIGN(State state, replay(content_, before));
  SW_ASSIGN(played.events, apply(content_, state, game.log[number]));
  played.conflict = false;
  return played;
}

Result<Played> Players::play(const Seat& at, const Action& action, std::optional<std::uint32_t> number,
                             const Look& look) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  if (number && *number != game->state.moves) {
    auto played = repeat(*game, action, *number);
    look(game->state);
    return played;
  }
  Played played;
  SW_ASSIGN(played.events, play_one(at, *game, {action, std::max(clock_(), game->state.last_at)}));
  look(game->state);
  return played;
}

Result<Played> Players::merge(const Seat& at, const std::vector<Move>& moves, int& skipped, const Look& look) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  skipped = 0;
  Played played;
  State next = game->state;
  Record record{next.seed, game->log};
  for (Move move : moves) {
    move.at = std::clamp(move.at, next.last_at, std::max(next.last_at, clock_()));
    const auto* combine = std::get_if<Combine>(&move.action);
    const bool tried = combine && next.recipes.contains(combine->ingredients.key());
    auto events = tried || record.moves.size() >= most_moves ? fail("nothing new") : apply(content_, next, move);
    if (!events) {
      ++skipped;
      continue;
    }
    record.moves.push_back(move);
    std::ranges::move(*events, std::back_inserter(played.events));
  }
  if (record.moves.size() > game->log.size()) SW_TRY(write(at, *game, record, std::move(next)));
  look(game->state);
  return played;
}

Result<std::vector<SlotInfo>> Players::slots(const std::string& player) {
  return store_.slots(player);
}

Result<std::string> Players::export_game(const Seat& at) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  return export_save(content_, {game->state.seed, game->log}, game->state);
}

Result<std::vector<std::string>> Players::import_game(const Seat& at, std::string_view save, const Look& look) {
  SW_ASSIGN(Imported imported, import_save(content_, save));
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  SW_TRY(write(at, *game, imported.record, std::move(imported.state)));
  look(game->state);
  return std::move(imported.notes);
}

Status Players::adopt(const Seat& at, const std::string& share_code, const Look& look) {
  Record record{seeds_() % seed_limit, {{Adopt{share_code}, clock_()}}};
  auto state = replay(content_, record);
  if (!state) return std::unexpected(std::move(state).error());
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  SW_TRY(write(at, *game, record, std::move(*state)));
  look(game->state);
  return {};
}

Status Players::reset(const Seat& at, const Look& look) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(refresh(at, *game));
  const Record record{seeds_() % seed_limit, {}};
  if (game->stored) SW_TRY(write(at, *game, record, new_game(content_, record.seed)));
  look(game->state);
  return {};
}

Status Players::copy(const Seat& from, const std::string& to_slot) {
  const GamePtr source = seat(from);
  Record record;
  State state;
  {
    const std::scoped_lock lock(source->mutex);
    SW_TRY(refresh(from, *source));
    record = {source->state.seed, source->log};
    state = source->state;
  }
  const Seat to{from.player, to_slot};
  SW_ASSIGN(const auto slots, store_.slots(from.player));
  if (slots.size() >= most_slots && std::ranges::find(slots, to_slot, &SlotInfo::slot) == slots.end())
    return fail(fmt::format("there are {} saved games", slots.size()), "save", fmt::format("at most {}", most_slots),
                "Delete one first");
  const GamePtr target = seat(to);
  const std::scoped_lock lock(target->mutex);
  SW_TRY(refresh(to, *target));
  return write(to, *target, record, std::move(state));
}

Status Players::remove(const Seat& at) {
  const GamePtr game = seat(at);
  const std::scoped_lock lock(game->mutex);
  SW_TRY(store_.remove(at.player, at.slot));
  game->stored = false;
  game->state = {};  // loaded anew when it is next looked at
  return {};
}

}  // namespace sw::game
