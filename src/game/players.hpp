#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "game/content.hpp"
#include "game/rules.hpp"
#include "game/save.hpp"
#include "game/store.hpp"

namespace sw::game {

/// Whose game, and which of them.
struct Seat {
  std::string player, slot;
};

/// What came of a move. `conflict`: the move number was not the next one, and nothing was played.
struct Played {
  Events events;
  bool repeated = false;  ///< the same move had been played under this number; these are its events
  bool conflict = false;
};

constexpr std::size_t most_slots = 16;  ///< per player
bool is_slot_name(std::string_view name);

/// The games of all players, over a Store: loads them, plays moves on them one at a time, keeps the last used ones in
/// memory. Safe to use from several threads; games of different seats do not wait for each other's rules, only for the
/// database. Several programs may share a database.
class Players {
 public:
  using Clock = std::function<std::int64_t()>;   ///< Unix seconds
  using Seeds = std::function<std::uint64_t()>;  ///< for new games
  Players(const Content& content, Store& store, Clock clock, Seeds seeds);

  using Look = std::function<void(const State&)>;

  /// `look` sees the game as it is; it must not keep the reference.
  Status look(const Seat& seat, const Look& look);
  /// Plays `action` now, as move `number` where one is said, and writes it down. `look` sees the game afterwards,
  /// played or not. An Error of the rules leaves everything as it was.
  Result<Played> play(const Seat& seat, const Action& action, std::optional<std::uint32_t> number, const Look& look);
  /// Plays moves that were made elsewhere, at the times they say, as far as these lie between the last move and now.
  /// Those that the rules do not allow here, or that would change nothing, are counted in `skipped`.
  Result<Played> merge(const Seat& seat, const std::vector<Move>& moves, int& skipped, const Look& look);

  Result<std::vector<SlotInfo>> slots(const std::string& player);
  Result<std::string> export_game(const Seat& seat);
  /// Each replaces whatever the slot held.
  Result<std::vector<std::string>> import_game(const Seat& seat, std::string_view save, const Look& look);
  Status adopt(const Seat& seat, const std::string& share_code, const Look& look);
  Status reset(const Seat& seat, const Look& look);
  Status copy(const Seat& from, const std::string& to_slot);
  Status remove(const Seat& seat);

  std::int64_t now() const { return clock_(); }

 private:
  struct Game {
    std::mutex mutex;
    Head head;
    bool stored = false;  ///< the slot exists in the database
    std::vector<Move> log;
    State state;
  };
  using GamePtr = std::shared_ptr<Game>;

  GamePtr seat(const Seat& seat);
  Status load(const Seat& seat, Game& game);
  Status refresh(const Seat& seat, Game& game);
  Status write(const Seat& seat, Game& game, const Record& record, State state);
  Result<Events> play_one(const Seat& seat, Game& game, const Move& move);
  Result<Played> repeat(const Game& game, const Action& action, std::uint32_t number) const;
  SlotInfo describe(const Seat& seat, const State& state) const;

  const Content& content_;
  Store& store_;
  const Clock clock_;
  const Seeds seeds_;

  std::mutex mutex_;  ///< of the two below; never held while a game's is waited for
  std::list<std::string> recent_;
  struct Cached {
    GamePtr game;
    std::list<std::string>::iterator place;
  };
  std::unordered_map<std::string, Cached> games_;
};

/// A game's moves as they can be played with this content: where a combination no longer gives what it once gave, one
/// that does takes its place, so that no discovery is lost when recipes change. `gave` holds, per move, the id of what
/// was discovered.
Record carry_over(const Content& content, const Record& record, const std::vector<std::string>& gave);

}  // namespace sw::game
