#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "game/database.hpp"

namespace sw::game {

/// A saved game as lists show it.
struct SlotInfo {
  std::string slot;
  std::uint32_t moves = 0;
  int found = 0, score = 0;
  std::int64_t saved_at = 0;
};

/// Which game a slot holds, and how far it has come. `generation` changes when the slot is given another game.
struct Head {
  std::int64_t generation = 0;
  std::uint32_t moves = 0;
  bool operator==(const Head&) const = default;
};

struct StoredMove {
  std::string text;  ///< JSON
  std::string gave;  ///< id of what it discovered; empty: nothing
};

struct StoredGame {
  Head head;
  std::uint64_t seed = 0;
  std::string content;  ///< Content::fingerprint it was played with
  std::vector<StoredMove> moves;
};

/// Where games are kept: each move is a row, written before it is acknowledged. Safe to use from several threads, and
/// from several programs on one database.
class Store {
 public:
  /// Makes the tables where there are none.
  static Result<std::unique_ptr<Store>> open(std::unique_ptr<Database> database);

  Result<std::vector<SlotInfo>> slots(const std::string& player);
  Result<std::optional<Head>> head(const std::string& player, const std::string& slot);
  Result<std::optional<StoredGame>> read(const std::string& player, const std::string& slot);
  /// One move's text; none where there is no such move.
  Result<std::optional<std::string>> move(const std::string& player, const std::string& slot, std::uint32_t number);

  /// Adds `move` as the one after `head`. False: the slot is no longer at `head`, and nothing was written.
  Result<bool> append(const std::string& player, const Head& head, const StoredMove& move, const SlotInfo& after);
  /// Gives the slot this game, whatever it held, where it is still at `expected` (none: there is no such slot).
  /// False: it is not, and nothing was written.
  Result<bool> replace(const std::string& player, const std::optional<Head>& expected, const StoredGame& game,
                       const SlotInfo& after);
  Status remove(const std::string& player, const std::string& slot);

  /// A text under a name, for all players. The first to come is kept and returned to everybody.
  Result<std::string> keep(const std::string& name, const std::string& value);
  Result<std::optional<std::string>> kept(const std::string& name);

 private:
  explicit Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  std::unique_ptr<Database> database_;
};

}  // namespace sw::game
