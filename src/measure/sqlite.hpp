#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

// SQLite with errors as values. Used by source files only: its header stays out of ours.

namespace sw::sqlite {

class Database;

/// A prepared statement. Text handed to bind() must live until the statement is stepped.
class Statement {
 public:
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view value);

  /// True: there is a row to read. False: done.
  Result<bool> step();
  /// For statements that return nothing.
  Status run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(sqlite3_stmt* statement, const Database& database) : statement_(statement), database_(&database) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const Database* database_;
};

class Database {
 public:
  /// Opens or creates; waits up to five seconds for others that write.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);

  Result<Statement> prepare(std::string_view sql) const;
  Status execute(const char* sql) const;
  Status use_write_ahead_log() const;
  std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  /// What SQLite last complained of, in terms of the file.
  Error error() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Begins a transaction; rolls it back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(const Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(const Database& database) : database_(&database) {}
  const Database* database_;
};

}  // namespace sw::sqlite
