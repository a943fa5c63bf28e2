#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// How a metric may be compared between two runs.
enum class MetricKind : std::uint8_t {
  timing,   ///< noisy: compared by intervals over samples
  count,    ///< the same whenever the same work is done: bytes, operations, tokens
  quality,  ///< the same up to rounding: perplexity, accuracy
};
enum class Better : std::uint8_t { lower, higher };

/// One measured quantity of a run.
struct Metric {
  std::string name = {};  ///< "decode_tok_s"
  std::string unit = {};  ///< "tok/s"
  MetricKind kind = MetricKind::timing;
  Better better = Better::lower;
  double value = 0;                  ///< the median where there are samples
  double low = 0, high = 0;          ///< 95 % interval; both equal `value` where there is none
  std::vector<double> samples = {};  ///< in the order they were taken
};

/// What was measured, on what, with what.
struct RunInfo {
  std::string command = {};        ///< "bench"
  std::string version = {};        ///< of the program
  std::string machine = {};        ///< the CPU's name and its number of hardware threads
  std::string model = {};          ///< as the user wrote it
  std::string model_hash = {};     ///< tells files apart; empty: none
  std::string configuration = {};  ///< one JSON object of the flags that matter, keys sorted
};

enum class RunStatus : std::uint8_t {
  running,      ///< still going, or killed on the way
  interrupted,  ///< ended by the user: what it had is here
  done,
};

struct RunRecord {
  std::int64_t id = 0;
  std::int64_t started_ms = 0;  ///< since 1970, UTC
  RunStatus status = RunStatus::running;
  RunInfo info;
  std::vector<Metric> metrics;

  const Metric* find(std::string_view metric) const;
};

/// Which runs to list; empty fields match everything.
struct RunFilter {
  std::string command = {}, model = {}, machine = {};
  std::int64_t since_ms = 0;
  int limit = 20;  ///< the newest; 0: all
};

/// Every result this user ever measured: an SQLite database that outlives crashes. Each sample is committed before the
/// next is measured, so that killing the program loses at most the one under way; runs that were killed are listed as
/// `running` with the samples they had.
class History {
 public:
  /// $XDG_DATA_HOME/speedwins/history.db, in ~/.local/share by default.
  static Result<std::filesystem::path> default_path();
  /// Opens or creates. Errors: a folder that cannot be written, a file that is no history, one written by a newer
  /// program (which is left as it is).
  static Result<History> open(const std::filesystem::path& path);
  History(History&&) noexcept;
  History& operator=(History&&) noexcept;
  ~History();

  /// Starts a run; its id.
  Result<std::int64_t> begin(const RunInfo& info);
  /// One sample of a metric, on disk when this returns.
  Status add_sample(std::int64_t run, const Metric& metric, double value);
  /// The metrics as they came out. Their samples replace those added before.
  Status finish(std::int64_t run, const std::vector<Metric>& metrics, RunStatus status = RunStatus::done);

  /// Newest first.
  Result<std::vector<RunRecord>> list(const RunFilter& filter) const;
  Result<RunRecord> get(std::int64_t run) const;

  /// Gives a run a name to compare with later; another run of that name loses it.
  Status set_baseline(std::string_view name, std::int64_t run);
  /// An Error that lists the names there are where `name` is none of them.
  Result<RunRecord> baseline(std::string_view name) const;
  Result<std::vector<std::pair<std::string, std::int64_t>>> baselines() const;

 private:
  struct Impl;
  explicit History(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
