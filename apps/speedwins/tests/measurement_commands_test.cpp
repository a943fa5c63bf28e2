#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "run_program.hpp"

// The commands that measure. What they must say is the contract; how fast a machine is, no test asks.

namespace sw {
namespace {

namespace fs = std::filesystem;

/// The longest line, in characters as a terminal counts them.
std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0, here = 0;
  for (const char c : text) {
    if (c == '\n')
      here = 0;
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      widest = std::max(widest, ++here);
  }
  return widest;
}

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

/// `speedwins serve` on a port of the system's choice, ended with the object.
class Server {
 public:
  explicit Server(const std::string& model) {
    int out[2];
    if (::pipe(out) != 0) return;
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(out[1], STDERR_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execl(SPEEDWINS_PROGRAM, SPEEDWINS_PROGRAM, "serve", model.c_str(), "--port", "0", nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    // It says where it listens.
    std::string said;
    for (char c = 0; url_.empty() && ::read(out[0], &c, 1) == 1;) {
      said += c;
      const auto begin = said.find("http://");
      if (begin == std::string::npos) continue;
      const auto end = said.find_first_of(" \n/,", begin + 7);
      if (end != std::string::npos) url_ = said.substr(begin, end - begin);
    }
    output_ = out[0];
  }
  ~Server() {
    if (process_ > 0) {
      ::kill(process_, SIGTERM);
      ::waitpid(process_, nullptr, 0);
    }
    if (output_ >= 0) ::close(output_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& url() const { return url_; }

 private:
  pid_t process_ = -1;
  int output_ = -1;
  std::string url_;
};

const std::string short_work = " -p 24 -n 8 -t 1 ";

TEST(Measuring, every_command_teaches_and_refuses_wrong_use) {
  for (const char* command : {"bench", "profile", "machine", "eval", "ab", "history", "regress"}) {
    const Finished help = speedwins(std::string(command) + " --help");
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_NE(help.out.find("Example"), std::string::npos) << command;
    EXPECT_EQ(speedwins(std::string(command) + " --no-such-flag --json").exit_code, 2) << command;
  }
  EXPECT_EQ(speedwins("eval demo --json").exit_code, 2);
  EXPECT_EQ(speedwins("ab demo --by nothing --json").exit_code, 2);
  const Finished wrong_b = speedwins("ab demo --json -- --fly");
  EXPECT_NE(wrong_b.exit_code, 0);
  EXPECT_NE(wrong_b.json()["error"]["where"].get<std::string>().find("after --"), std::string::npos);
}

TEST(Measuring, reports_fit_80_columns_and_say_the_same_without_colour_and_unicode) {
  for (const std::string& command :
       {"bench demo -r 2" + short_work, "profile demo" + short_work,
        std::string("eval demo --tasks suite --items 3 -t 1"), "regress demo --counts-only" + short_work,
        std::string("history"), std::string("machine")}) {
    const Finished unicode = speedwins(command, "", "LC_ALL=C.UTF-8");
    ASSERT_EQ(unicode.exit_code, 0) << command << unicode.error;
    EXPECT_LE(widest_line(unicode.out), 80u) << unicode.out;
    EXPECT_EQ(unicode.out.find('\x1b'), std::string::npos) << command;
  }
  const Finished ascii = speedwins("bench demo -r 2" + short_work, "", "LC_ALL=C");
  EXPECT_EQ(ascii.out.find("█"), std::string::npos);
  EXPECT_NE(ascii.out.find('#'), std::string::npos);
}

TEST(Measuring, bench_breaks_latency_and_memory_down) {
  const auto json = speedwins("bench demo -r 3 --json" + short_work).json();
  const auto& steps = json["breakdown"];
  EXPECT_GT(steps["prefill_ms"].get<double>(), 0);
  EXPECT_GE(steps["first_token_ms"].get<double>(), steps["prefill_ms"].get<double>());
  EXPECT_LE(steps["inter_token_p50_ms"].get<double>(), steps["inter_token_p99_ms"].get<double>());
  EXPECT_GE(steps["total_ms"].get<double>(), steps["first_token_ms"].get<double>());
  const auto& memory = json["memory_bytes"];
  // demo's file has 4.7 MB, nearly all of them weights.
  EXPECT_GT(memory["weights"].get<double>(), 2e6);
  EXPECT_LT(memory["weights"].get<double>(), 10e6);
  EXPECT_GT(memory["state"].get<double>(), 0);
  EXPECT_GE(memory["peak"].get<double>(), memory["weights"].get<double>());
  for (const char* metric : {"prefill_tok_s", "decode_tok_s"}) {
    EXPECT_LE(json[metric]["low"], json[metric]["median"]);
    EXPECT_GE(json[metric]["high"], json[metric]["median"]);
  }
}

TEST(Measuring, bench_without_r_stops_when_its_time_is_over) {
  const auto start = std::chrono::steady_clock::now();
  const auto json = speedwins("bench demo --seconds 0.5 --precision 0.001 --json" + short_work).json();
  EXPECT_GE(json["repetitions"], 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(2));
}

TEST(Measuring, csv_and_html_are_written_and_a_file_that_cannot_be_is_an_error_after_the_results) {
  const fs::path csv = test_home() / "bench.csv", html = test_home() / "profile.html";
  ASSERT_EQ(speedwins("bench demo -r 2 --csv " + quoted(csv) + short_work).exit_code, 0);
  EXPECT_NE(text_of(csv).find("decode"), std::string::npos);
  ASSERT_EQ(speedwins("profile demo --html " + quoted(html) + short_work).exit_code, 0);
  const std::string page = text_of(html);
  for (const char* part : {"Roofline", "One pass of prefill", "One pass of decode", "<svg", "prefers-color-scheme"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  for (const char* loads : {"src=", "href=", "<script", "@import"})
    EXPECT_EQ(page.find(loads), std::string::npos) << loads;

  const Finished failed = speedwins("regress demo --counts-only --json --html /no/such/folder/x.html" + short_work);
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_FALSE(failed.json()["metrics"].empty());
  EXPECT_NE(failed.error.find("/no/such/folder"), std::string::npos);
}

TEST(Measuring, profile_accounts_for_the_time_and_names_the_ops_that_hold_80_percent) {
  const auto json = speedwins("profile demo -p 128 -n 16 -t 1 --json").json();
  for (const char* phase : {"prefill", "decode"}) {
    double shares = 0;
    for (const auto& op : json[phase]["ops"]) shares += op["share"].get<double>();
    EXPECT_NEAR(shares + json[phase]["unaccounted_share"].get<double>(), 1, 1e-6);
    EXPECT_LT(json[phase]["unaccounted_share"].get<double>(), 0.2) << phase;  // below 0.03 where nothing else runs
  }
  EXPECT_LT(json["spans"]["share_of_decode"].get<double>(), 0.2);
  EXPECT_NE(json["conclusion"].get<std::string>().find("lab module"), std::string::npos);
  ASSERT_EQ(json["modules"].size(), 11u);
  const std::string modules = text_of(SPEEDWINS_SOURCE_DIR "/content/modules.toml");
  for (const auto& module : json["modules"])
    EXPECT_NE(modules.find("title = \"" + module["title"].get<std::string>() + "\""), std::string::npos) << module;
}

TEST(Measuring, machine_tells_its_limits_for_each_number_of_threads) {
  const auto json = speedwins("machine --json").json();
  int before = 0;
  ASSERT_FALSE(json["limits"]["by_threads"].empty());
  for (const auto& row : json["limits"]["by_threads"]) {
    EXPECT_GT(row["threads"].get<int>(), before);
    before = row["threads"];
    EXPECT_GT(row["memory_gb_s"].get<double>(), 0);
    EXPECT_GT(row["fp32_gop_s"].get<double>(), 0);
  }
  EXPECT_EQ(before, static_cast<int>(std::thread::hardware_concurrency()));
  EXPECT_FALSE(json["machine"]["cpu"].get<std::string>().empty());
  const auto& latency = json["limits"]["latency"];
  EXPECT_GT(latency.back()["ns"].get<double>(), latency.front()["ns"].get<double>());
}

TEST(Measuring, the_two_perplexity_conventions_score_the_tokens_they_say) {
  const fs::path file = test_home() / "text.txt";
  std::string text;
  for (int i = 0; i < 40; ++i) text += "The KV cache holds the keys and values of the tokens read so far. ";
  std::ofstream(file) << text;
  const auto tokens = speedwins("tokenize demo --no-special --whole --json", text).json()["ids"][0].size();
  const auto llama = speedwins("eval demo --ctx 64 --json --text " + quoted(file)).json();
  EXPECT_EQ(llama["convention"], "llama.cpp");
  EXPECT_EQ(llama["tokens"], llama["windows"].get<int>() * 31);
  const auto sliding =
      speedwins("eval demo --ctx 64 --stride 32 --convention transformers --json --text " + quoted(file)).json();
  EXPECT_EQ(sliding["convention"], "transformers");
  // All but the first, whatever tokens the model puts in front.
  EXPECT_NEAR(sliding["tokens"].get<double>(), static_cast<double>(tokens) - 1, 1);
  for (const auto& json : {llama, sliding}) {
    EXPECT_LE(json["low"], json["perplexity"]);
    EXPECT_GE(json["high"], json["perplexity"]);
  }
}

TEST(Measuring, a_model_is_no_distance_from_itself_and_some_from_its_coarser_copy) {
  const fs::path file = test_home() / "wiki.txt", logits = test_home() / "demo.logits";
  std::ofstream(file) << text_of(SPEEDWINS_SOURCE_DIR "/README.md");
  const auto base =
      speedwins("eval demo --ctx 64 --windows 4 --json --save-logits " + quoted(logits) + " --text " + quoted(file))
          .json();
  const auto same = speedwins("eval demo --json --baseline " + quoted(logits)).json();
  EXPECT_EQ(same["perplexity"], base["perplexity"]);
  EXPECT_NEAR(same["baseline"]["kl_divergence"]["mean"].get<double>(), 0, 1e-6);
  EXPECT_EQ(same["baseline"]["same_top_token"]["share"], 1);
  EXPECT_NEAR(same["baseline"]["perplexity_change"]["value"].get<double>(), 0, 1e-6 * base["perplexity"].get<double>());
  // The baseline's keys and values are F16: all types but the coarsest are near it.
  for (const char* type : {"f32", "bf16", "q8", "q4"}) {
    const auto other = speedwins(std::string("eval demo --json --kv ") + type + " --baseline " + quoted(logits)).json();
    const double distance = other["baseline"]["kl_divergence"]["mean"];
    const bool coarse = type == std::string("q4");
    EXPECT_GT(distance, coarse ? 0.01 : 0) << type;
    EXPECT_LT(distance, coarse ? 1 : 0.01) << type;
  }

  std::ofstream(logits, std::ios::app) << "x";
  const Finished damaged = speedwins("eval demo --json --baseline " + quoted(logits));
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_NE(damaged.json()["error"]["what"].get<std::string>().find("row"), std::string::npos);
}

TEST(Measuring, tasks_are_scored_with_intervals) {
  const auto json = speedwins("eval demo --tasks suite --items 6 --json").json();
  EXPECT_EQ(json["items"], 6);
  EXPECT_EQ(json["replies"].size(), 6u);
  EXPECT_LE(json["low"], json["accuracy"]);
  EXPECT_GE(json["high"], json["accuracy"]);
}

TEST(Measuring, an_interrupted_evaluation_shows_what_it_has_and_resumes) {
  const fs::path file = test_home() / "long.txt";
  {
    std::ofstream out(file);
    for (int i = 0; i < 1000; ++i) out << "Sentence " << i << " of a long text about the cache of keys and values. ";
  }
  const std::string evaluation = "eval demo --ctx 32 --json -t 1 --text " + quoted(file);
  const std::string interrupted_run =
      "XDG_DATA_HOME=" + quoted(test_home()) + " XDG_CACHE_HOME=" + quoted(test_home()) +
      " timeout --foreground -s INT 1 '" SPEEDWINS_PROGRAM "' " + evaluation + " > " + quoted(test_home() / "partial");
  ASSERT_NE(std::system(interrupted_run.c_str()), -1);
  const auto partial = nlohmann::json::parse(text_of(test_home() / "partial"));
  if (!partial["interrupted"].get<bool>()) GTEST_SKIP() << "this machine was done before it could be interrupted";
  const int done = partial["windows"];
  ASSERT_GE(done, 1);
  const auto rest = speedwins(evaluation + " --resume", "", "XDG_CACHE_HOME=" + quoted(test_home())).json();
  EXPECT_FALSE(rest["interrupted"]);
  EXPECT_GT(rest["windows"], done);
  const auto whole = speedwins(evaluation, "", "XDG_CACHE_HOME=" + quoted(test_home())).json();
  EXPECT_EQ(rest["perplexity"], whole["perplexity"]);
  EXPECT_EQ(rest["windows"], whole["windows"]);
}

TEST(Measuring, ab_keeps_its_contract_and_quality_of_equal_models_is_exactly_equal) {
  const auto json = speedwins("ab demo -p 16 -n 4 --seconds 2 --json -t 1 -- -t 2").json();
  EXPECT_EQ(json["a"], "demo -t 1");
  EXPECT_EQ(json["b"], "demo -t 2");
  EXPECT_GE(json["pairs"].get<int>(), 1);
  EXPECT_LE(json["ratio"]["low"], json["ratio"]["median"]);
  EXPECT_GE(json["ratio"]["high"], json["ratio"]["median"]);
  EXPECT_FALSE(json["verdict"].get<std::string>().empty());
  // The number of threads changes no bit.
  EXPECT_EQ(json["quality"]["change"], 0);
  EXPECT_EQ(json["quality"]["a"], json["quality"]["b"]);
}

TEST(Measuring, ab_finds_a_slowdown_put_into_the_program_itself) {
  // Twice the work, so that no busy machine hides it. How small a one is found, and how soon: bench/ab/run slowdown.
  const auto json = speedwins("ab demo -p 16 -n 8 -t 1 --seconds 60 --no-quality --json -- --slowdown 1").json();
  EXPECT_EQ(json["faster"], "a") << json;
  EXPECT_EQ(json["b"], "demo --slowdown 1");
  EXPECT_LT(json["ratio"]["median"], 0.8);
}

TEST(Measuring, ab_compares_a_server_with_the_model_itself) {
  const Server server("demo");
  ASSERT_FALSE(server.url().empty());
  const auto json = speedwins("ab demo -p 16 -n 4 --seconds 2 --items 3 --json -t 1 -- " + server.url()).json();
  EXPECT_EQ(json["b"], server.url());
  EXPECT_GE(json["pairs"].get<int>(), 1);
  // The same weights answer alike, here and there.
  EXPECT_EQ(json["quality"]["measure"], "right answers");
  EXPECT_EQ(json["quality"]["change"], 0);

  const Finished text = speedwins("ab demo --text '" SPEEDWINS_SOURCE_DIR "/README.md' --json -- " + server.url());
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_NE(text.json()["error"]["expected"].get<std::string>().find("--tasks"), std::string::npos);
  const Finished nobody = speedwins("ab demo --json -- http://127.0.0.1:1 --served-model m");
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_FALSE(nobody.json()["error"]["next"].get<std::string>().empty());
}

TEST(Measuring, interrupted_measurements_show_what_they_have_and_keep_it) {
  for (const std::string command :
       {"bench demo --json -r 1000 -p 16 -n 400 -t 1", "profile demo --json -p 512 -n 400 -t 1",
        "ab demo --json -p 16 -n 4 -t 1 --no-quality --seconds 500 --least-effect 0 -- -n 5"}) {
    const std::string interrupted = "XDG_DATA_HOME=" + quoted(test_home()) + " timeout --foreground -s INT 4 '" +
                                    SPEEDWINS_PROGRAM "' " + command + " > " + quoted(test_home() / "partial") +
                                    " 2> " + quoted(test_home() / "partial-error");
    ASSERT_NE(std::system(interrupted.c_str()), -1);
    const auto json = nlohmann::json::parse(text_of(test_home() / "partial"), nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << command << text_of(test_home() / "partial-error");
    if (json.contains("error")) {
      // A machine so busy that nothing was done in this time says so.
      EXPECT_NE(json["error"]["what"].get<std::string>().find("interrupted"), std::string::npos) << json;
      continue;
    }
    if (!json["interrupted"].get<bool>()) continue;  // it was done before
    const auto run = speedwins("history --limit 1 --json").json()["runs"][0];
    EXPECT_EQ(run["status"], "interrupted") << command;
    EXPECT_FALSE(run["metrics"].empty()) << command;
  }
}

TEST(Measuring, every_result_is_in_the_history_and_trends_are_plotted) {
  ASSERT_EQ(speedwins("bench demo -r 2 --json" + short_work).exit_code, 0);
  ASSERT_EQ(speedwins("bench demo -r 2 --json" + short_work).exit_code, 0);
  const auto history = speedwins("history --command bench --limit 2 --json").json();
  ASSERT_EQ(history["runs"].size(), 2u);
  const auto& run = history["runs"][0];
  EXPECT_EQ(run["model"], "demo");
  EXPECT_EQ(run["status"], "done");
  EXPECT_EQ(run["metrics"]["decode_tok_s"]["samples"].size(), 2u);
  EXPECT_FALSE(run["model_hash"].get<std::string>().empty());
  const Finished plot = speedwins("history --plot decode_tok_s");
  EXPECT_NE(plot.out.find("decode_tok_s over time"), std::string::npos);
  const Finished unknown = speedwins("history --plot speed --json");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.json()["error"]["expected"].get<std::string>().find("decode_tok_s"), std::string::npos);

  const auto before = speedwins("history --limit 0 --json").json()["runs"].size();
  ASSERT_EQ(speedwins("bench demo -r 1 --no-history --json" + short_work).exit_code, 0);
  EXPECT_EQ(speedwins("history --limit 0 --json").json()["runs"].size(), before);
}

TEST(Measuring, a_history_that_cannot_be_written_costs_no_result) {
  const Finished finished = speedwins("bench demo -r 1 --json" + short_work, "", "XDG_DATA_HOME=/proc/nowhere");
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_GT(finished.json()["decode_tok_s"]["median"].get<double>(), 0);
  EXPECT_NE(finished.error.find("not kept"), std::string::npos);
}

TEST(Measuring, a_history_of_a_newer_program_is_named_and_left_alone) {
  const fs::path home = test_home() / "newer";
  const std::string environment = "XDG_DATA_HOME=" + quoted(home);
  ASSERT_EQ(speedwins("bench demo -r 1 --json" + short_work, "", environment).exit_code, 0);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((home / "speedwins/history.db").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const Finished bench = speedwins("bench demo -r 1 --json" + short_work, "", environment);
  EXPECT_EQ(bench.exit_code, 0);
  EXPECT_NE(bench.error.find("newer version"), std::string::npos);
  const Finished history = speedwins("history --json", "", environment);
  EXPECT_EQ(history.exit_code, 1);
  EXPECT_FALSE(history.json()["error"]["next"].get<std::string>().empty());
}

// This project's own regression check: what demo costs, counted, not timed. A change that is meant to be is kept with
//   SPEEDWINS_ISA=reference build/speedwins regress demo --counts-only -p 32 -n 4 -t 1 --save tests/regress/demo.json
const std::string counts = "regress demo --counts-only -p 32 -n 4 -t 1 --no-history --json ";
const std::string committed = "--baseline '" SPEEDWINS_SOURCE_DIR "/tests/regress/demo.json' ";

TEST(Regression, demo_costs_no_more_than_it_did) {
  const Finished now = speedwins(counts + committed, "", "SPEEDWINS_ISA=reference");
  EXPECT_EQ(now.exit_code, 0) << now.out << now.error;
  EXPECT_FALSE(now.json()["regressed"]);
}

TEST(Regression, a_planted_one_is_found) {
  // Keys and values twice as large.
  const Finished planted = speedwins(counts + committed + "--kv f32", "", "SPEEDWINS_ISA=reference");
  EXPECT_EQ(planted.exit_code, 1);
  EXPECT_TRUE(planted.json()["regressed"]);
  EXPECT_EQ(planted.json()["metrics"]["state_bytes"]["finding"], "WORSE");
  EXPECT_EQ(planted.json()["metrics"]["weight_bytes"]["finding"], "same");
}

TEST(Regression, a_name_that_is_no_baseline_lists_those_there_are) {
  ASSERT_EQ(speedwins("regress demo --counts-only -p 32 -n 4 -t 1 --save yesterday --json").exit_code, 0);
  EXPECT_EQ(speedwins("regress demo --counts-only -p 32 -n 4 -t 1 --baseline yesterday --json").exit_code, 0);
  const Finished unknown = speedwins(counts + "--baseline tomorrow");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.json()["error"]["expected"].get<std::string>().find("yesterday"), std::string::npos);
}

}  // namespace
}  // namespace sw
