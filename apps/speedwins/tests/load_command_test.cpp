#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "run_program.hpp"

// `loadtest` and `baseline` as a user types them.

namespace sw {
namespace {

TEST(LoadtestCommand, wrong_flags_exit_with_2) {
  for (const char* flags : {"", "localhost:1 --rate 0", "localhost:1 --slo-ttft soon", "localhost:1 --arrivals never",
                            "localhost:1 --rate 1 --concurrency 2", "localhost:1 --find-max --concurrency 2",
                            "localhost:1 --speed 2", "localhost:1 -t 0"})
    EXPECT_EQ(speedwins(std::string("loadtest ") + flags).exit_code, 2) << flags;
}

TEST(LoadtestCommand, a_server_that_is_not_there_is_one_error_with_advice) {
  const Finished finished = speedwins("loadtest 127.0.0.1:1 --model m --no-history --json");
  EXPECT_EQ(finished.exit_code, 1);
  const auto error = finished.json().at("error");
  EXPECT_NE(error.at("what").get<std::string>().find("connect"), std::string::npos);
  EXPECT_EQ(error.at("where"), "http://127.0.0.1:1/v1/chat/completions");
  EXPECT_FALSE(error.at("next").get<std::string>().empty());
}

TEST(LoadtestCommand, wrong_values_name_what_is_right) {
  for (const char* flags : {"--prompt-words many", "--max-tokens 5-3", "--trace /no/such/trace"}) {
    const Finished finished = speedwins(std::string("loadtest 127.0.0.1:1 --model m --json ") + flags);
    EXPECT_EQ(finished.exit_code, 1) << flags;
    EXPECT_TRUE(finished.json().contains("error")) << flags;
  }
}

TEST(BaselineCommand, measures_demo_and_asks_it_questions) {
  const Finished finished = speedwins("baseline --quick --models demo --questions 1 -p 32 -n 8 --no-history --json");
  ASSERT_EQ(finished.exit_code, 0);
  const auto json = finished.json();
  const auto& model = json.at("models").at(0);
  EXPECT_EQ(model.at("model"), "demo");
  EXPECT_TRUE(model.at("real_weights"));
  EXPECT_GT(model.at("decode_tok_s").at("median"), 0);
  EXPECT_GT(model.at("peak_rss_bytes"), 0);
  EXPECT_EQ(model.at("tasks").at("all").at("asked"), 24);
  EXPECT_EQ(json.at("map").size(), 24u);
}

TEST(BaselineCommand, a_model_that_is_not_there_does_not_take_the_others_with_it) {
  const Finished finished =
      speedwins("baseline --quick --models no-such-model,demo --speed-only -p 32 -n 8 --no-history --json");
  ASSERT_EQ(finished.exit_code, 0);
  const auto json = finished.json();
  EXPECT_NE(json.at("models").at(0).at("error").get<std::string>().find("no-such-model"), std::string::npos);
  EXPECT_FALSE(json.at("models").at(1).contains("error"));
  EXPECT_EQ(speedwins("baseline --models no-such-model --no-history").exit_code, 1);
}

}  // namespace
}  // namespace sw
