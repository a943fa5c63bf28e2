#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace sw::game {

/// What a statement is given for its $1, $2, …
using Value = std::variant<std::int64_t, std::string>;
/// What a query gives; none: NULL.
using Row = std::vector<std::optional<std::string>>;

/// Statements inside one transaction.
class Transaction {
 public:
  virtual ~Transaction() = default;
  /// The rows of a query; empty for other statements. `sql` is one statement with $1, $2, … in this order.
  virtual Result<std::vector<Row>> run(const char* sql, const std::vector<Value>& values) = 0;
  /// How many rows the last statement changed.
  virtual std::int64_t changed() const = 0;
};

enum class Access { read, write };

/// A database that speaks the SQL that SQLite and PostgreSQL have in common. Safe to use from several threads.
class Database {
 public:
  virtual ~Database() = default;
  /// Runs `work` as one transaction: all of it is kept and on its way to the disk when this returns, or nothing, where
  /// `work` returns an Error or false.
  virtual Status transaction(Access access, const std::function<Result<bool>(Transaction&)>& work) = 0;
};

/// In WAL mode: a process that is killed loses nothing that was acknowledged, and never leaves a broken file. `path`
/// may be ":memory:".
Result<std::unique_ptr<Database>> open_sqlite(const std::string& path);
/// `address` is a libpq connection string or "postgresql://…". Lost connections are made again. Up to `connections` at
/// once.
Result<std::unique_ptr<Database>> open_postgres(const std::string& address, int connections = 4);

/// The one setting: "postgresql://…" or "postgres://…", else the path of an SQLite file (made where missing).
Result<std::unique_ptr<Database>> open_database(const std::string& setting);

}  // namespace sw::game
