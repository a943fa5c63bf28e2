#include "measure/sqlite.hpp"

#include <utility>

namespace sw::sqlite {

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, double value) {
  sqlite3_bind_double(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  sqlite3_bind_text(statement_.get(), index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error = database_->error();
  sqlite3_reset(statement_.get());
  return std::unexpected(std::move(error));
}

Status Statement::run() {
  SW_ASSIGN(const bool row, step());
  if (row) sqlite3_reset(statement_.get());
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return text ? std::string(reinterpret_cast<const char*>(text), size) : std::string();
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
  auto database = std::make_unique<Database>();
  database->path_ = path;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  database->handle_.reset(handle);
  if (!handle) return fail("not enough memory to open it", path.string());
  if (code != SQLITE_OK) return std::unexpected(database->error());
  sqlite3_busy_timeout(handle, 5000);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return std::unexpected(error());
  return Statement(statement, *this);
}

Status Database::execute(const char* sql) const {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return std::unexpected(error());
  return {};
}

Status Database::use_write_ahead_log() const {
  // Programs that begin a new file at the same time meet here, and SQLite does not wait where waiting could deadlock.
  constexpr int pause_ms = 10, longest_ms = 5000;
  for (int waited = 0;; waited += pause_ms) {
    const Status status = execute("PRAGMA journal_mode=WAL");
    if (status || (sqlite3_errcode(handle_.get()) & 0xFF) != SQLITE_BUSY || waited >= longest_ms) return status;
    sqlite3_sleep(pause_ms);
  }
}

Error Database::error() const {
  const std::string where = path_.string();
  const char* elsewhere = "Set XDG_DATA_HOME to a folder of yours, or use --no-history";
  switch (sqlite3_errcode(handle_.get()) & 0xFF) {
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return {"cannot be opened", where, "a file in a folder that can be written", elsewhere};
    case SQLITE_READONLY:
      return {"cannot be written", where, "a file and a folder that can be written", elsewhere};
    case SQLITE_FULL:
      return {"the disk is full", where, "room for a few kilobytes", "Free some space, or use --no-history"};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {"is damaged, or no database at all", where, "a history of measurements",
              "Move it away; a new one is begun by the next measurement"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"another program has kept it locked for five seconds", where, {}, "Try again when it is done"};
    case SQLITE_IOERR:
      return {std::string("cannot be read or written: ") + sqlite3_errmsg(handle_.get()), where, {}, elsewhere};
    default:
      return {sqlite3_errmsg(handle_.get()), where, {}, {}};
  }
}

Result<Transaction> Transaction::begin(const Database& database) {
  SW_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_) static_cast<void>(database_->execute("ROLLBACK"));
}

Status Transaction::commit() {
  SW_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace sw::sqlite
