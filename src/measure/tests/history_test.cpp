#include "measure/history.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/tests/temporary_folder.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

class HistoryTest : public ::testing::Test {
 protected:
  fs::path file() const { return folder / "deeper" / "history.db"; }

  TemporaryFolder temporary;
  const fs::path& folder = temporary.path();
};

RunInfo info(std::string model = "demo", std::string command = "bench") {
  return {.command = std::move(command),
          .version = "0.1.0",
          .machine = "a machine",
          .model = std::move(model),
          .model_hash = "abc",
          .configuration = R"({"threads":2})"};
}

const Metric decode = {.name = "decode_tok_s",
                       .unit = "tok/s",
                       .kind = MetricKind::timing,
                       .better = Better::higher,
                       .value = 2,
                       .low = 1,
                       .high = 3,
                       .samples = {1, 2, 3}};

void run_sql(const fs::path& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

TEST_F(HistoryTest, a_run_comes_back_as_it_was_written) {
  {
    auto history = History::open(file());
    ASSERT_TRUE(history) << history.error().message();
    const auto run = history->begin(info());
    ASSERT_TRUE(run);
    ASSERT_TRUE(history->add_sample(*run, decode, 9));  // replaced by what finish() says
    ASSERT_TRUE(history->finish(*run, {decode}));
  }
  const auto history = History::open(file());
  ASSERT_TRUE(history);
  const auto runs = history->list({});
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 1u);
  const RunRecord& run = runs->front();
  EXPECT_EQ(run.status, RunStatus::done);
  EXPECT_EQ(run.info.model_hash, "abc");
  EXPECT_EQ(run.info.configuration, R"({"threads":2})");
  const Metric* metric = run.find("decode_tok_s");
  ASSERT_TRUE(metric);
  EXPECT_EQ(metric->unit, "tok/s");
  EXPECT_EQ(metric->better, Better::higher);
  EXPECT_EQ(metric->samples, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(metric->high, 3);
  EXPECT_EQ(run.find("no such metric"), nullptr);
}

TEST_F(HistoryTest, runs_are_listed_newest_first_and_by_what_they_measured) {
  auto history = History::open(file());
  ASSERT_TRUE(history);
  for (const char* model : {"demo", "other.gguf", "demo"}) ASSERT_TRUE(history->begin(info(model)));
  ASSERT_TRUE(history->begin(info("demo", "eval")));
  EXPECT_EQ(history->list({})->size(), 4u);
  EXPECT_EQ(history->list({})->front().info.command, "eval");
  EXPECT_EQ(history->list({.command = "bench"})->size(), 3u);
  EXPECT_EQ(history->list({.command = "bench", .model = "demo"})->size(), 2u);
  EXPECT_EQ(history->list({.limit = 1})->size(), 1u);
  EXPECT_EQ(history->list({.machine = "another"})->size(), 0u);
}

TEST_F(HistoryTest, baselines_are_runs_with_names) {
  auto history = History::open(file());
  ASSERT_TRUE(history);
  const auto missing = history->baseline("main");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("--save main"), std::string::npos);
  const auto first = history->begin(info()), second = history->begin(info("other"));
  ASSERT_TRUE(history->set_baseline("main", *first));
  EXPECT_EQ(history->baseline("main")->id, *first);
  ASSERT_TRUE(history->set_baseline("main", *second));
  EXPECT_EQ(history->baseline("main")->id, *second);
  EXPECT_FALSE(history->set_baseline("main", 12345));
  EXPECT_NE(history->baseline("mian").error().message().find("main"), std::string::npos);
}

TEST_F(HistoryTest, a_killed_run_loses_at_most_the_sample_under_way) {
  // The child says through a pipe which samples it believes to be kept, and is killed at any moment.
  for (const int delay_us : {1000, 7000, 20000}) {
    const fs::path path = folder / std::to_string(delay_us);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto history = History::open(path);
      const auto run = history->begin(info());
      for (char n = 1; n < 100; ++n) {
        if (!history->add_sample(*run, decode, n) || ::write(ends[1], &n, 1) != 1) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    char kept = 0;
    ASSERT_EQ(::read(ends[0], &kept, 1), 1);
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (char n = 0; ::read(ends[0], &n, 1) == 1;) kept = n;
    ::close(ends[0]);

    const auto history = History::open(path);
    ASSERT_TRUE(history) << history.error().message();
    const auto runs = history->list({});
    ASSERT_EQ(runs->size(), 1u);
    EXPECT_EQ(runs->front().status, RunStatus::running);
    const Metric* metric = runs->front().find("decode_tok_s");
    ASSERT_TRUE(metric);
    ASSERT_GE(metric->samples.size(), static_cast<std::size_t>(kept));
    ASSERT_LE(metric->samples.size(), static_cast<std::size_t>(kept) + 1);
    for (std::size_t i = 0; i < metric->samples.size(); ++i) EXPECT_EQ(metric->samples[i], static_cast<double>(i + 1));
  }
}

TEST_F(HistoryTest, several_programs_may_write_at_once) {
  constexpr int writers = 4, samples = 20;
  for (int i = 0; i < writers; ++i)
    if (::fork() == 0) {
      auto history = History::open(file());
      if (!history) ::_exit(1);
      const auto run = history->begin(info());
      for (int n = 0; run && n < samples; ++n)
        if (!history->add_sample(*run, decode, n)) ::_exit(1);
      ::_exit(run ? 0 : 1);
    }
  for (int i = 0; i < writers; ++i) {
    int status = 0;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  const auto history = History::open(file());
  const auto runs = history->list({});
  ASSERT_EQ(runs->size(), static_cast<std::size_t>(writers));
  for (const RunRecord& run : *runs) EXPECT_EQ(run.find("decode_tok_s")->samples.size(), std::size_t{samples});
}

TEST_F(HistoryTest, a_newer_programs_history_is_refused_and_left_alone) {
  ASSERT_TRUE(History::open(file()));
  run_sql(file(), "PRAGMA user_version=99");
  const auto refused = History::open(file());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("newer version"), std::string::npos);
  run_sql(file(), "PRAGMA user_version=1");
  EXPECT_TRUE(History::open(file()));
}

TEST_F(HistoryTest, files_that_are_no_history_are_refused_and_left_alone) {
  fs::create_directories(file().parent_path());
  std::ofstream(file()) << "These are my notes, and they are longer than the header of a database would have to be. "
                           "Nothing may write over them.";
  const auto size = fs::file_size(file());
  const auto refused = History::open(file());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("no database"), std::string::npos) << refused.error().message();
  EXPECT_EQ(fs::file_size(file()), size);

  const fs::path other = folder / "other.db";
  run_sql(other, "CREATE TABLE notes(text)");
  const auto foreign = History::open(other);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().what.find("another program"), std::string::npos);
}

TEST_F(HistoryTest, a_folder_that_cannot_be_written_is_an_error_with_a_way_out) {
  if (::geteuid() == 0) {
    // Root may write anywhere: a file in the folder's place stops it as well.
    std::ofstream(folder / "deeper") << "";
  } else {
    fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  }
  const auto refused = History::open(file());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().next.find("XDG_DATA_HOME"), std::string::npos);
}

TEST_F(HistoryTest, a_full_disk_is_an_error_and_what_was_kept_stays) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto history = History::open(file());
    const auto run = history->begin(info());
    // A limit on the size of files fails writes like a full disk.
    const rlimit limit{100000, 100000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int n = 0; n < 2000; ++n)
      if (const auto kept = history->add_sample(*run, decode, n); !kept) ::_exit(kept.error().next.empty() ? 1 : 0);
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto history = History::open(file());
  ASSERT_TRUE(history);
  const auto runs = history->list({});
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_GE(runs->front().find("decode_tok_s")->samples.size(), 1u);
}

}  // namespace
}  // namespace sw
