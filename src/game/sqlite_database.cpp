#include <fmt/core.h>
#include <sqlite3.h>

#include <mutex>
#include <unordered_map>

#include "game/database.hpp"

namespace sw::game {
namespace {

constexpr int busy_timeout_ms = 5000;

struct Close {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

std::unexpected<Error> failed(sqlite3* connection, const std::string& path) {
  return fail(fmt::format("the database says: {}", connection ? sqlite3_errmsg(connection) : "out of memory"), path, {},
              "Is the disk full, or the file no database of this program?");
}

/// One connection, used by one thread at a time: SQLite writes one transaction after the other anyway.
class Sqlite final : public Database, private Transaction {
 public:
  Sqlite(Connection connection, std::string path) : connection_(std::move(connection)), path_(std::move(path)) {}

  Status execute(const char* sql) {
    if (auto done = run(sql, {}); !done) return std::unexpected(std::move(done).error());
    return {};
  }

  Status transaction(Access access, const std::function<Result<bool>(Transaction&)>& work) override {
    const std::scoped_lock lock(mutex_);
    SW_TRY(execute(access == Access::write ? "BEGIN IMMEDIATE" : "BEGIN"));
    auto keep = work(*this);
    if (keep && *keep) {
      auto committed = execute("COMMIT");
      if (!committed) (void)execute("ROLLBACK");
      return committed;
    }
    (void)execute("ROLLBACK");
    if (!keep) return std::unexpected(std::move(keep).error());
    return {};
  }

 private:
  Result<std::vector<Row>> run(const char* sql, const std::vector<Value>& values) override {
    SW_ASSIGN(sqlite3_stmt * statement, prepared(sql));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int place = static_cast<int>(i) + 1;
      if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
        sqlite3_bind_int64(statement, place, *number);
      } else {
        const auto& text = std::get<std::string>(values[i]);
        sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
      }
    }
    std::vector<Row> rows;
    int state = sqlite3_step(statement);
    for (; state == SQLITE_ROW; state = sqlite3_step(statement)) {
      Row& row = rows.emplace_back();
      for (int column = 0; column < sqlite3_column_count(statement); ++column) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        row.push_back(text ? std::optional(std::string(text, size)) : std::nullopt);
      }
    }
    changed_ = sqlite3_changes64(connection_.get());
    auto error = state == SQLITE_DONE ? Status() : Status(failed(connection_.get(), path_));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (!error) return std::unexpected(std::move(error).error());
    return rows;
  }
  std::int64_t changed() const override { return changed_; }

  Result<sqlite3_stmt*> prepared(const char* sql) {
    Statement& statement = statements_[sql];
    if (!statement) {
      sqlite3_stmt* made = nullptr;
      if (sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
        return failed(connection_.get(), path_);
      statement.reset(made);
    }
    return statement.get();
  }

  Connection connection_;
  std::unordered_map<std::string, Statement> statements_;  ///< before the connection when they are destroyed
  std::string path_;
  std::int64_t changed_ = 0;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path) {
  sqlite3* opened = nullptr;
  const int state =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(opened);
  if (state != SQLITE_OK) return failed(opened, path);
  sqlite3_busy_timeout(opened, busy_timeout_ms);
  auto database = std::make_unique<Sqlite>(std::move(connection), path);
  // A commit is in the WAL before it is acknowledged, so a killed process loses nothing; NORMAL saves the wait for the
  // disk at each move, at the risk of the last ones when the power fails.
  // Servers that begin a new file at the same time meet here, and SQLite does not wait where waiting could deadlock.
  constexpr int pause_ms = 10;
  for (int waited = 0;; waited += pause_ms) {
    const auto status = database->execute("PRAGMA journal_mode = WAL");
    if (status) break;
    if ((sqlite3_errcode(opened) & 0xFF) != SQLITE_BUSY || waited >= busy_timeout_ms) return std::unexpected(status.error());
    sqlite3_sleep(pause_ms);
  }
  SW_TRY(database->execute("PRAGMA synchronous = NORMAL"));
  return database;
}

}  // namespace sw::game
