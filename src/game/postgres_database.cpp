#include <fmt/core.h>
#include <libpq-fe.h>

#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "game/database.hpp"

namespace sw::game {
namespace {

struct Free {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Free>;
using Answer = std::unique_ptr<PGresult, Free>;

/// libpq's messages end in line breaks.
std::string one_line(const char* text) {
  std::string line(text ? text : "");
  while (!line.empty() && line.back() == '\n') line.pop_back();
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

std::unexpected<Error> failed(std::string message) {
  return fail(fmt::format("the database says: {}", message), "PostgreSQL", {},
              "Is the server up, and the address right?");
}

class Session final : public Transaction {
 public:
  explicit Session(PGconn* connection) : connection_(connection) {}

  Result<std::vector<Row>> run(const char* sql, const std::vector<Value>& values) override {
    std::vector<std::string> texts;
    for (const Value& value : values) {
      const auto* number = std::get_if<std::int64_t>(&value);
      texts.push_back(number ? std::to_string(*number) : std::get<std::string>(value));
    }
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    const Answer answer(
        PQexecParams(connection_, sql, static_cast<int>(values.size()), nullptr, pointers.data(), nullptr, nullptr, 0));
    const ExecStatusType state = PQresultStatus(answer.get());
    if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK) return failed(one_line(PQerrorMessage(connection_)));
    const char* changed = PQcmdTuples(answer.get());
    changed_ = 0;
    std::from_chars(changed, changed + std::strlen(changed), changed_);
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(answer.get())));
    for (int r = 0; r < PQntuples(answer.get()); ++r)
      for (int c = 0; c < PQnfields(answer.get()); ++c)
        rows[static_cast<std::size_t>(r)].push_back(PQgetisnull(answer.get(), r, c)
                                                        ? std::nullopt
                                                        : std::optional<std::string>(PQgetvalue(answer.get(), r, c)));
    return rows;
  }
  std::int64_t changed() const override { return changed_; }

 private:
  PGconn* connection_;
  std::int64_t changed_ = 0;
};

class Postgres final : public Database {
 public:
  Postgres(std::string address, int connections) : address_(std::move(address)), left_(connections) {}

  Status transaction(Access access, const std::function<Result<bool>(Transaction&)>& work) override {
    SW_ASSIGN(Connection connection, take());
    Session session(connection.get());
    auto done = run(session, access, work);
    give_back(std::move(connection));
    return done;
  }

 private:
  static Status run(Session& session, Access access, const std::function<Result<bool>(Transaction&)>& work) {
    if (auto begun = session.run(access == Access::write ? "BEGIN" : "BEGIN READ ONLY", {}); !begun)
      return std::unexpected(std::move(begun).error());
    auto keep = work(session);
    auto ended = session.run(keep && *keep ? "COMMIT" : "ROLLBACK", {});
    if (!keep) return std::unexpected(std::move(keep).error());
    if (!ended) return std::unexpected(std::move(ended).error());
    return {};
  }

  /// Waits for a connection. One that broke while it lay idle is made again.
  Result<Connection> take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return left_ > 0; });
    --left_;
    Connection connection;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    lock.unlock();
    if (connection && PQstatus(connection.get()) != CONNECTION_OK) PQreset(connection.get());
    if (!connection) connection.reset(PQconnectdb(address_.c_str()));
    if (PQstatus(connection.get()) == CONNECTION_OK) {
      PQsetNoticeProcessor(
          connection.get(), [](void*, const char*) {}, nullptr);
      return connection;
    }
    std::string message = one_line(PQerrorMessage(connection.get()));
    give_back(nullptr);
    return failed(std::move(message));
  }

  void give_back(Connection connection) {
    const std::scoped_lock lock(mutex_);
    if (connection) idle_.push_back(std::move(connection));
    ++left_;
    freed_.notify_one();
  }

  const std::string address_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Connection> idle_;
  int left_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(const std::string& address, int connections) {
  auto database = std::make_unique<Postgres>(address, connections);
  SW_TRY(database->transaction(Access::read, [](Transaction&) -> Result<bool> { return true; }));
  return database;
}

}  // namespace sw::game
