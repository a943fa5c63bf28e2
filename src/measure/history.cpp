#include "measure/history.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "measure/sqlite.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;
using sqlite::Statement;
using sqlite::Transaction;

/// Raised with every change of the tables; a step from each older version to the next goes into migrate().
constexpr std::int64_t schema_version = 1;
/// "SpWh": what `file` and other tools tell such a database by.
constexpr std::int64_t application_id = 0x53705768;

constexpr const char* schema = R"(
CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  started_ms INTEGER NOT NULL,           -- since 1970, UTC
  status INTEGER NOT NULL,               -- RunStatus
  command TEXT NOT NULL, version TEXT NOT NULL, machine TEXT NOT NULL,
  model TEXT NOT NULL, model_hash TEXT NOT NULL,
  configuration TEXT NOT NULL);          -- a JSON object
CREATE INDEX runs_by_time ON runs(started_ms);
CREATE TABLE metrics(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,             -- in the order of the command's report
  name TEXT NOT NULL, unit TEXT NOT NULL,
  kind INTEGER NOT NULL, better INTEGER NOT NULL,
  value REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  PRIMARY KEY(run, name)) WITHOUT ROWID;
CREATE TABLE samples(
  run INTEGER NOT NULL, metric TEXT NOT NULL, n INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY(run, metric, n),
  FOREIGN KEY(run, metric) REFERENCES metrics(run, name) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE baselines(
  name TEXT PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE) WITHOUT ROWID;
)";

Result<std::int64_t> pragma(const sqlite::Database& database, const char* sql) {
  SW_ASSIGN(Statement statement, database.prepare(sql));
  SW_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

/// Makes the tables of a new file; refuses files that are not ours or are from a newer program.
Status migrate(const sqlite::Database& database, const fs::path& path) {
  SW_ASSIGN(Transaction transaction, Transaction::begin(database));
  SW_ASSIGN(const std::int64_t version, pragma(database, "PRAGMA user_version"));
  SW_ASSIGN(const std::int64_t id, pragma(database, "PRAGMA application_id"));
  if (version > schema_version && id == application_id)
    return fail("was written by a newer version of this program (schema " + std::to_string(version) + ")",
                path.string(), "schema " + std::to_string(schema_version),
                "Update speedwins, or set XDG_DATA_HOME to another folder; the file was left as it is");
  if (version == schema_version && id == application_id) return transaction.commit();
  SW_ASSIGN(const std::int64_t tables, pragma(database, "SELECT count(*) FROM sqlite_master"));
  if (version != 0 || id != 0 || tables != 0)
    return fail("is a database of another program", path.string(), "a history of measurements",
                "Move it away; a new one is begun by the next measurement");
  SW_TRY(database.execute(schema));
  SW_TRY(database.execute(("PRAGMA user_version=" + std::to_string(schema_version)).c_str()));
  SW_TRY(database.execute(("PRAGMA application_id=" + std::to_string(application_id)).c_str()));
  return transaction.commit();
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

constexpr const char* run_columns =
    "SELECT id, started_ms, status, command, version, machine, model, model_hash, configuration FROM runs ";

RunRecord read_run(const Statement& row) {
  return {.id = row.integer(0),
          .started_ms = row.integer(1),
          .status = static_cast<RunStatus>(std::clamp<std::int64_t>(row.integer(2), 0, 2)),
          .info = {.command = row.text(3),
                   .version = row.text(4),
                   .machine = row.text(5),
                   .model = row.text(6),
                   .model_hash = row.text(7),
                   .configuration = row.text(8)},
          .metrics = {}};
}

double middle(std::vector<double> values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, half);
  return *half;
}

}  // namespace

const Metric* RunRecord::find(std::string_view metric) const {
  const auto found = std::ranges::find(metrics, metric, &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

struct History::Impl {
  std::unique_ptr<sqlite::Database> database;

  Status write_metric(std::int64_t run, std::int64_t position, const Metric& metric) const {
    SW_ASSIGN(Statement insert, database->prepare("INSERT OR REPLACE INTO metrics VALUES(?,?,?,?,?,?,?,?,?)"));
    insert.bind(1, run).bind(2, position).bind(3, metric.name).bind(4, metric.unit);
    insert.bind(5, static_cast<std::int64_t>(metric.kind)).bind(6, static_cast<std::int64_t>(metric.better));
    insert.bind(7, metric.value).bind(8, metric.low).bind(9, metric.high);
    return insert.run();
  }

  Status write_sample(std::int64_t run, std::string_view metric, std::int64_t n, double value) const {
    SW_ASSIGN(Statement insert, database->prepare("INSERT INTO samples VALUES(?,?,?,?)"));
    return insert.bind(1, run).bind(2, metric).bind(3, n).bind(4, value).run();
  }

  Status read_metrics(RunRecord& run) const {
    SW_ASSIGN(Statement metrics,
              database->prepare("SELECT name, unit, kind, better, value, low, high FROM metrics WHERE run=? "
                                "ORDER BY position, name"));
    metrics.bind(1, run.id);
    for (;;) {
      SW_ASSIGN(const bool row, metrics.step());
      if (!row) break;
      run.metrics.push_back({.name = metrics.text(0),
                             .unit = metrics.text(1),
                             .kind = static_cast<MetricKind>(std::clamp<std::int64_t>(metrics.integer(2), 0, 2)),
                             .better = metrics.integer(3) == 0 ? Better::lower : Better::higher,
                             .value = metrics.real(4),
                             .low = metrics.real(5),
                             .high = metrics.real(6),
                             .samples = {}});
    }
    SW_ASSIGN(Statement samples, database->prepare("SELECT metric, value FROM samples WHERE run=? ORDER BY metric, n"));
    samples.bind(1, run.id);
    for (;;) {
      SW_ASSIGN(const bool row, samples.step());
      if (!row) break;
      const auto metric = std::ranges::find(run.metrics, samples.text(0), &Metric::name);
      if (metric != run.metrics.end()) metric->samples.push_back(samples.real(1));
    }
    // Of a run that was killed there is nothing but samples.
    if (run.status == RunStatus::running)
      for (Metric& metric : run.metrics)
        if (!metric.samples.empty()) {
          metric.value = middle(metric.samples);
          const auto [low, high] = std::ranges::minmax(metric.samples);
          metric.low = low;
          metric.high = high;
        }
    return {};
  }
};

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::History(History&&) noexcept = default;
History& History::operator=(History&&) noexcept = default;
History::~History() = default;

Result<fs::path> History::default_path() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return fs::path(data) / "speedwins/history.db";
  if (const char* home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".local/share/speedwins/history.db";
  return fail("neither XDG_DATA_HOME nor HOME is set", "the environment", "a folder for measurements");
}

Result<History> History::open(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return fail("cannot make the folder: " + error.message(), path.parent_path().string(),
                "a folder that can be written", "Set XDG_DATA_HOME to a folder of yours, or use --no-history");
  auto impl = std::make_unique<Impl>();
  SW_ASSIGN(impl->database, sqlite::Database::open(path));
  // What was committed survives the program in either mode; with NORMAL a power cut may take back the last moments.
  SW_TRY(impl->database->use_write_ahead_log());
  SW_TRY(impl->database->execute("PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL"));
  SW_TRY(migrate(*impl->database, path));
  return History(std::move(impl));
}

Result<std::int64_t> History::begin(const RunInfo& info) {
  SW_ASSIGN(Statement insert,
            impl_->database->prepare("INSERT INTO runs(started_ms, status, command, version, machine, model, "
                                     "model_hash, configuration) VALUES(?,?,?,?,?,?,?,?)"));
  insert.bind(1, now_ms()).bind(2, static_cast<std::int64_t>(RunStatus::running)).bind(3, info.command);
  insert.bind(4, info.version).bind(5, info.machine).bind(6, info.model).bind(7, info.model_hash);
  insert.bind(8, info.configuration);
  SW_TRY(insert.run());
  return impl_->database->last_row();
}

Status History::add_sample(std::int64_t run, const Metric& metric, double value) {
  SW_ASSIGN(Transaction transaction, Transaction::begin(*impl_->database));
  SW_ASSIGN(Statement known, impl_->database->prepare("SELECT count(*) FROM metrics WHERE run=? AND name=?"));
  SW_ASSIGN(const bool row, known.bind(1, run).bind(2, metric.name).step());
  if (row && known.integer(0) == 0) SW_TRY(impl_->write_metric(run, 0, metric));
  SW_ASSIGN(Statement count, impl_->database->prepare("SELECT count(*) FROM samples WHERE run=? AND metric=?"));
  SW_ASSIGN(const bool counted, count.bind(1, run).bind(2, metric.name).step());
  SW_TRY(impl_->write_sample(run, metric.name, counted ? count.integer(0) : 0, value));
  return transaction.commit();
}

Status History::finish(std::int64_t run, const std::vector<Metric>& metrics, RunStatus status) {
  SW_ASSIGN(Transaction transaction, Transaction::begin(*impl_->database));
  for (const char* sql : {"DELETE FROM samples WHERE run=?", "DELETE FROM metrics WHERE run=?"}) {
    SW_ASSIGN(Statement remove, impl_->database->prepare(sql));
    SW_TRY(remove.bind(1, run).run());
  }
  std::int64_t position = 0;
  for (const Metric& metric : metrics) {
    // SQLite has no NaN; nothing was measured then.
    if (!std::isfinite(metric.value) || !std::isfinite(metric.low) || !std::isfinite(metric.high)) continue;
    SW_TRY(impl_->write_metric(run, position++, metric));
    std::int64_t n = 0;
    for (const double value : metric.samples) SW_TRY(impl_->write_sample(run, metric.name, n++, value));
  }
  SW_ASSIGN(Statement update, impl_->database->prepare("UPDATE runs SET status=? WHERE id=?"));
  SW_TRY(update.bind(1, static_cast<std::int64_t>(status)).bind(2, run).run());
  return transaction.commit();
}

Result<std::vector<RunRecord>> History::list(const RunFilter& filter) const {
  SW_ASSIGN(Statement select,
            impl_->database->prepare(std::string(run_columns) +
                                     "WHERE (?1='' OR command=?1) AND (?2='' OR instr(model, ?2)>0) AND "
                                     "(?3='' OR instr(machine, ?3)>0) AND started_ms>=?4 "
                                     "ORDER BY started_ms DESC, id DESC LIMIT ?5"));
  select.bind(1, filter.command).bind(2, filter.model).bind(3, filter.machine).bind(4, filter.since_ms);
  select.bind(5, std::int64_t{filter.limit > 0 ? filter.limit : -1});
  std::vector<RunRecord> runs;
  for (;;) {
    SW_ASSIGN(const bool row, select.step());
    if (!row) break;
    runs.push_back(read_run(select));
  }
  for (RunRecord& run : runs) SW_TRY(impl_->read_metrics(run));
  return runs;
}

Result<RunRecord> History::get(std::int64_t run) const {
  SW_ASSIGN(Statement select, impl_->database->prepare(std::string(run_columns) + "WHERE id=?"));
  SW_ASSIGN(const bool row, select.bind(1, run).step());
  if (!row)
    return fail("there is no run " + std::to_string(run), "the history", {}, "List them with: speedwins history");
  RunRecord record = read_run(select);
  SW_TRY(impl_->read_metrics(record));
  return record;
}

Status History::set_baseline(std::string_view name, std::int64_t run) {
  SW_TRY(get(run));
  SW_ASSIGN(Statement insert, impl_->database->prepare("INSERT OR REPLACE INTO baselines VALUES(?,?)"));
  return insert.bind(1, name).bind(2, run).run();
}

Result<RunRecord> History::baseline(std::string_view name) const {
  SW_ASSIGN(Statement select, impl_->database->prepare("SELECT run FROM baselines WHERE name=?"));
  SW_ASSIGN(const bool row, select.bind(1, name).step());
  if (row) return get(select.integer(0));
  SW_ASSIGN(const auto known, baselines());
  std::string names;
  for (const auto& [other, run] : known) names += (names.empty() ? "one of " : ", ") + other;
  return fail("there is no baseline '" + std::string(name) + "'", "the history", names,
              "Make it first: speedwins regress MODEL --save " + std::string(name));
}

Result<std::vector<std::pair<std::string, std::int64_t>>> History::baselines() const {
  SW_ASSIGN(Statement select, impl_->database->prepare("SELECT name, run FROM baselines ORDER BY name"));
  std::vector<std::pair<std::string, std::int64_t>> all;
  for (;;) {
    SW_ASSIGN(const bool row, select.step());
    if (!row) break;
    all.emplace_back(select.text(0), select.integer(1));
  }
  return all;
}

}  // namespace sw
