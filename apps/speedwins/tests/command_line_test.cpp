#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "run_program.hpp"

// Runs the built program as a user would. What it must answer is the command-line contract.

namespace sw {
namespace {

TEST(CommandLine, help_and_version_succeed) {
  EXPECT_EQ(speedwins("--help").exit_code, 0);
  EXPECT_EQ(speedwins("--version").exit_code, 0);
  for (const char* command : {"run", "chat", "bench", "eval", "tokenize", "pull"}) {
    const Finished help = speedwins(std::string(command) + " --help");
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_NE(help.out.find("Example"), std::string::npos) << command;
  }
}

TEST(CommandLine, wrong_use_exits_with_2_and_says_what_to_do) {
  for (const char* wrong : {"", "fly", "run", "run demo --temp -1 -p x", "run demo -p x --no-such-flag",
                            "run demo -p x -n many", "bench demo -r 0", "run demo -p x --logit-bias 5",
                            "run demo -p x --kv q5"}) {
    EXPECT_EQ(speedwins(wrong).exit_code, 2) << wrong;
    const Finished finished = speedwins(std::string(wrong) + " --json");
    EXPECT_EQ(finished.exit_code, 2) << wrong;
    EXPECT_FALSE(finished.json()["error"]["what"].get<std::string>().empty()) << wrong;
  }
}

TEST(CommandLine, failures_exit_with_1_and_one_json_document) {
  for (const char* failing : {"run no-such-model -p x", "tokenize /dev/null", "bench demo -p 1000000",
                              "eval demo --text " SPEEDWINS_SOURCE_DIR "/.clang-format --ctx 100000"}) {
    EXPECT_EQ(speedwins(failing).exit_code, 1) << failing;
    const Finished finished = speedwins(std::string(failing) + " --json");
    EXPECT_EQ(finished.exit_code, 1) << failing;
    EXPECT_FALSE(finished.json()["error"]["what"].get<std::string>().empty()) << failing;
  }
}

TEST(CommandLine, run_reports_text_tokens_and_timings) {
  const Finished finished = speedwins("run demo -p 'What is a KV cache?' -n 12 --ignore-eos --json");
  ASSERT_EQ(finished.exit_code, 0);
  const auto json = finished.json();
  EXPECT_FALSE(json["text"].get<std::string>().empty());
  EXPECT_GT(json["prompt_tokens"], 0);
  EXPECT_EQ(json["new_tokens"], 12);
  EXPECT_EQ(json["tokens"].size(), 12u);
  EXPECT_EQ(json["finish_reason"], "length");
  for (const char* timing : {"load_ms", "ttft_ms", "prefill_tok_s", "decode_tok_s"})
    EXPECT_GT(json["timings"][timing].get<double>(), 0) << timing;
}

TEST(CommandLine, run_prints_the_text_of_its_json) {
  const std::string arguments = "run demo -p 'What is a KV cache?' -n 20";
  EXPECT_EQ(speedwins(arguments).out, speedwins(arguments + " --json").json()["text"].get<std::string>() + "\n");
}

TEST(CommandLine, run_reads_the_prompt_from_standard_input) {
  const auto typed = speedwins("run demo -p 'What is a KV cache?' -n 8 --json").json();
  const auto piped = speedwins("run demo -n 8 --json", "What is a KV cache?").json();
  EXPECT_EQ(typed["tokens"], piped["tokens"]);
}

TEST(CommandLine, same_seed_gives_the_same_text_on_any_number_of_threads) {
  const std::string arguments = "run demo -p Hello -n 24 --ignore-eos --temp 8 --seed 11 --json";
  const auto one = speedwins(arguments + " -t 1").json()["tokens"];
  EXPECT_EQ(one, speedwins(arguments + " -t 2").json()["tokens"]);
  EXPECT_NE(one, speedwins("run demo -p Hello -n 24 --ignore-eos --temp 8 --seed 12 --json").json()["tokens"]);
}

TEST(CommandLine, stop_string_ends_the_text_before_itself) {
  const std::string arguments = "run demo -p 'What is a KV cache?' -n 30 --json";
  const std::string text = speedwins(arguments).json()["text"];
  ASSERT_GT(text.size(), 12u);
  const std::string stop = text.substr(8, 3);
  const auto json = speedwins(arguments + " --stop '" + stop + "'").json();
  EXPECT_EQ(json["text"].get<std::string>(), text.substr(0, text.find(stop)));
  EXPECT_EQ(json["finish_reason"], "stop");
}

TEST(CommandLine, logprobs_are_sorted_and_the_greedy_token_is_the_first) {
  const auto json = speedwins("run demo -p Hello -n 5 --logprobs 3 --json").json();
  ASSERT_EQ(json["logprobs"].size(), json["new_tokens"].get<std::size_t>());
  for (const auto& token : json["logprobs"]) {
    ASSERT_EQ(token["top"].size(), 3u);
    EXPECT_EQ(token["top"][0]["token"], token["token"]);
    EXPECT_LE(token["top"][0]["logprob"], 0);
    EXPECT_GE(token["top"][0]["logprob"], token["top"][1]["logprob"]);
    EXPECT_GE(token["top"][1]["logprob"], token["top"][2]["logprob"]);
  }
}

TEST(CommandLine, prompt_longer_than_the_context_is_refused) {
  std::string prompt;
  for (int i = 0; i < 20000; ++i) prompt += "word ";
  const Finished finished = speedwins("run demo --json", prompt);
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.json()["error"]["what"].get<std::string>().find("tokens"), std::string::npos);
}

TEST(CommandLine, prompt_that_is_not_utf8_is_refused) {
  for (const std::string command : {"run demo --json", "chat demo --json"}) {
    const Finished finished = speedwins(command, "caf\xE9\n");
    EXPECT_EQ(finished.exit_code, 1) << command;
    EXPECT_NE(finished.json()["error"]["what"].get<std::string>().find("UTF-8"), std::string::npos) << command;
  }
}

TEST(CommandLine, chat_computes_only_what_is_new) {
  const Finished finished = speedwins("chat demo --json -n 16", "What is a KV cache?\nAnd prefill?\n/reset\nHello\n");
  ASSERT_EQ(finished.exit_code, 0);
  const auto turns = finished.json()["turns"];
  ASSERT_EQ(turns.size(), 3u);
  EXPECT_EQ(turns[0]["cached_tokens"], 0);
  EXPECT_GT(turns[1]["cached_tokens"], turns[0]["prompt_tokens"]);
  EXPECT_EQ(turns[2]["cached_tokens"], 0);
}

TEST(CommandLine, chat_answers_as_if_the_whole_conversation_were_read_anew) {
  // The first turn is answered alike by run, whose sequence starts empty.
  const auto turns = speedwins("chat demo --json -n 16", "What is a KV cache?\n").json()["turns"];
  const auto run = speedwins("run demo --json -n 16 -p 'What is a KV cache?'").json();
  EXPECT_EQ(turns[0]["tokens"], run["tokens"]);
}

TEST(CommandLine, bench_reports_median_minimum_maximum_and_samples) {
  const auto json = speedwins("bench demo -p 16 -n 8 -b 2 -t 2 -r 3 --json").json();
  for (const char* metric : {"prefill_tok_s", "decode_tok_s", "ttft_ms", "load_ms", "peak_rss_bytes"}) {
    ASSERT_EQ(json[metric]["samples"].size(), 3u) << metric;
    EXPECT_GT(json[metric]["min"].get<double>(), 0) << metric;
    EXPECT_LE(json[metric]["min"], json[metric]["median"]) << metric;
    EXPECT_LE(json[metric]["median"], json[metric]["max"]) << metric;
  }
}

TEST(CommandLine, tokenize_and_back_is_the_text) {
  const std::string text = "Speed wins.\n\n  two spaces, 你好 and <|im_end|>\n";
  for (const char* flags : {"", " --no-special"}) {
    const Finished ids = speedwins(std::string("tokenize demo") + flags, text);
    ASSERT_EQ(ids.exit_code, 0);
    EXPECT_EQ(std::count(ids.out.begin(), ids.out.end(), '\n'), 3);
    EXPECT_EQ(speedwins(std::string("tokenize demo --decode") + flags, ids.out).out, text);
  }
  EXPECT_EQ(speedwins("tokenize demo --whole --json", text).json()["ids"].size(), 1u);
}

TEST(CommandLine, eval_scores_the_second_half_of_every_window) {
  const auto file = std::filesystem::temp_directory_path() / ("speedwins-eval-" + std::to_string(::getpid()));
  {
    std::ofstream text(file);
    for (int i = 0; i < 60; ++i) text << "The KV cache holds the keys and values of the tokens read so far. ";
  }
  const auto json = speedwins("eval demo --ctx 64 --windows 4 --json --text '" + file.string() + "'").json();
  std::filesystem::remove(file);
  EXPECT_EQ(json["windows"], 4);
  EXPECT_EQ(json["tokens"], 4 * 31);  // the second half of each window but its last position
  EXPECT_GT(json["perplexity"].get<double>(), 1);
}

TEST(CommandLine, ids_that_are_none_are_refused) {
  for (const char* input : {"1 two 3", "99999999", "-1", "99999999999999999999"})
    EXPECT_EQ(speedwins("tokenize demo --decode", input).exit_code, 1) << input;
}

}  // namespace
}  // namespace sw
