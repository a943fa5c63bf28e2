#include "game/store.hpp"

#include <charconv>

namespace sw::game {
namespace {

constexpr const char* tables[] = {
    "CREATE TABLE IF NOT EXISTS slots (player TEXT NOT NULL, slot TEXT NOT NULL, generation BIGINT NOT NULL, "
    "seed BIGINT NOT NULL, content TEXT NOT NULL, moves BIGINT NOT NULL, found BIGINT NOT NULL, score BIGINT NOT NULL, "
    "saved_at BIGINT NOT NULL, PRIMARY KEY (player, slot))",
    "CREATE TABLE IF NOT EXISTS moves (player TEXT NOT NULL, slot TEXT NOT NULL, number BIGINT NOT NULL, "
    "move TEXT NOT NULL, gave TEXT NOT NULL, PRIMARY KEY (player, slot, number))",
    "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)"};

std::int64_t number(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

Head head_of(const std::optional<std::string>& generation, const std::optional<std::string>& moves) {
  return {number(generation), static_cast<std::uint32_t>(number(moves))};
}

Result<std::optional<Head>> read_head(Transaction& in, const std::string& player, const std::string& slot) {
  SW_ASSIGN(const auto rows,
            in.run("SELECT generation, moves FROM slots WHERE player = $1 AND slot = $2", {player, slot}));
  if (rows.empty()) return std::nullopt;
  return head_of(rows[0][0], rows[0][1]);
}

Status insert_move(Transaction& in, const std::string& player, const std::string& slot, std::int64_t place,
                   const StoredMove& move) {
  auto done = in.run("INSERT INTO moves (player, slot, number, move, gave) VALUES ($1, $2, $3, $4, $5)",
                     {player, slot, place, move.text, move.gave});
  if (!done) return std::unexpected(std::move(done).error());
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(std::unique_ptr<Database> database) {
  auto made = database->transaction(Access::write, [](Transaction& in) -> Result<bool> {
    for (const char* sql : tables) {
      SW_ASSIGN([[maybe_unused]] const auto none, in.run(sql, {}));
    }
    return true;
  });
  SW_TRY(std::move(made));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Result<std::vector<SlotInfo>> Store::slots(const std::string& player) {
  std::vector<SlotInfo> out;
  auto done = database_->transaction(Access::read, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN(
        const auto rows,
        in.run("SELECT slot, moves, found, score, saved_at FROM slots WHERE player = $1 ORDER BY slot", {player}));
    for (const Row& row : rows)
      out.push_back({row[0].value_or(""), static_cast<std::uint32_t>(number(row[1])), static_cast<int>(number(row[2])),
                     static_cast<int>(number(row[3])), number(row[4])});
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

Result<std::optional<Head>> Store::head(const std::string& player, const std::string& slot) {
  std::optional<Head> out;
  auto done = database_->transaction(Access::read, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN(out, read_head(in, player, slot));
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

Result<std::optional<StoredGame>> Store::read(const std::string& player, const std::string& slot) {
  std::optional<StoredGame> out;
  auto done = database_->transaction(Access::read, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN(
        const auto rows,
        in.run("SELECT generation, moves, seed, content FROM slots WHERE player = $1 AND slot = $2", {player, slot}));
    if (rows.empty()) return true;
    StoredGame game{
        head_of(rows[0][0], rows[0][1]), static_cast<std::uint64_t>(number(rows[0][2])), rows[0][3].value_or(""), {}};
    SW_ASSIGN(const auto moves,
              in.run("SELECT move, gave FROM moves WHERE player = $1 AND slot = $2 ORDER BY number", {player, slot}));
    for (const Row& row : moves) game.moves.push_back({row[0].value_or(""), row[1].value_or("")});
    // Another program may have added a move between the two statements.
    game.head.moves = static_cast<std::uint32_t>(game.moves.size());
    out = std::move(game);
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

Result<std::optional<std::string>> Store::move(const std::string& player, const std::string& slot,
                                               std::uint32_t number_of_move) {
  std::optional<std::string> out;
  auto done = database_->transaction(Access::read, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN(const auto rows, in.run("SELECT move FROM moves WHERE player = $1 AND slot = $2 AND number = $3",
                                      {player, slot, std::int64_t{number_of_move}}));
    if (!rows.empty()) out = rows[0][0];
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

Result<bool> Store::append(const std::string& player, const Head& head, const StoredMove& move, const SlotInfo& after) {
  bool appended = false;
  auto done = database_->transaction(Access::write, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN([[maybe_unused]] const auto none,
              in.run("UPDATE slots SET moves = moves + 1, found = $1, score = $2, saved_at = $3 "
                     "WHERE player = $4 AND slot = $5 AND generation = $6 AND moves = $7",
                     {std::int64_t{after.found}, std::int64_t{after.score}, after.saved_at, player, after.slot,
                      head.generation, std::int64_t{head.moves}}));
    if (in.changed() != 1) return false;
    SW_TRY(insert_move(in, player, after.slot, head.moves, move));
    return appended = true;
  });
  SW_TRY(std::move(done));
  return appended;
}

Result<bool> Store::replace(const std::string& player, const std::optional<Head>& expected, const StoredGame& game,
                            const SlotInfo& after) {
  bool replaced = false;
  auto done = database_->transaction(Access::write, [&](Transaction& in) -> Result<bool> {
    const std::vector<Value> fields{player,
                                    after.slot,
                                    game.head.generation,
                                    static_cast<std::int64_t>(game.seed),
                                    game.content,
                                    static_cast<std::int64_t>(game.moves.size()),
                                    std::int64_t{after.found},
                                    std::int64_t{after.score},
                                    after.saved_at};
    if (expected) {
      auto values = fields;
      values.insert(values.end(), {expected->generation, std::int64_t{expected->moves}});
      SW_ASSIGN([[maybe_unused]] const auto none,
                in.run("UPDATE slots SET player = $1, slot = $2, generation = $3, seed = $4, content = $5, moves = $6, "
                       "found = $7, score = $8, saved_at = $9 "
                       "WHERE player = $1 AND slot = $2 AND generation = $10 AND moves = $11",
                       values));
    } else {
      SW_ASSIGN([[maybe_unused]] const auto none,
                in.run("INSERT INTO slots (player, slot, generation, seed, content, moves, found, score, saved_at) "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                       fields));
    }
    if (in.changed() != 1) return false;
    SW_ASSIGN([[maybe_unused]] const auto none,
              in.run("DELETE FROM moves WHERE player = $1 AND slot = $2", {player, after.slot}));
    for (std::size_t i = 0; i < game.moves.size(); ++i)
      SW_TRY(insert_move(in, player, after.slot, static_cast<std::int64_t>(i), game.moves[i]));
    return replaced = true;
  });
  SW_TRY(std::move(done));
  return replaced;
}

Status Store::remove(const std::string& player, const std::string& slot) {
  return database_->transaction(Access::write, [&](Transaction& in) -> Result<bool> {
    for (const char* sql :
         {"DELETE FROM moves WHERE player = $1 AND slot = $2", "DELETE FROM slots WHERE player = $1 AND slot = $2"}) {
      SW_ASSIGN([[maybe_unused]] const auto none, in.run(sql, {player, slot}));
    }
    return true;
  });
}

Result<std::string> Store::keep(const std::string& name, const std::string& value) {
  std::string out;
  auto done = database_->transaction(Access::write, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN([[maybe_unused]] const auto none,
              in.run("INSERT INTO kept (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", {name, value}));
    SW_ASSIGN(const auto rows, in.run("SELECT value FROM kept WHERE name = $1", {name}));
    if (!rows.empty()) out = rows[0][0].value_or("");
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

Result<std::optional<std::string>> Store::kept(const std::string& name) {
  std::optional<std::string> out;
  auto done = database_->transaction(Access::read, [&](Transaction& in) -> Result<bool> {
    SW_ASSIGN(const auto rows, in.run("SELECT value FROM kept WHERE name = $1", {name}));
    if (!rows.empty()) out = rows[0][0];
    return true;
  });
  SW_TRY(std::move(done));
  return out;
}

}  // namespace sw::game
