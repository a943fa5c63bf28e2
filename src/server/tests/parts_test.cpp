#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "decode/grammar.hpp"
#include "decode/grammar_automaton.hpp"
#include "server/chat_request.hpp"
#include "server/config.hpp"
#include "server/tool_calls.hpp"
#include "server/window_histogram.hpp"

namespace sw {
namespace {

ToolCallParser::Piece parsed(ToolFormat format, const std::string& text, std::size_t piece_size) {
  ToolCallParser parser(format);
  ToolCallParser::Piece all;
  const auto add = [&](ToolCallParser::Piece piece) {
    all.text += piece.text;
    all.calls.insert(all.calls.end(), piece.calls.begin(), piece.calls.end());
  };
  for (std::size_t i = 0; i < text.size(); i += piece_size) add(parser.push(text.substr(i, piece_size)));
  add(parser.finish());
  return all;
}

TEST(ToolCalls, AreTakenOutOfTheTextHoweverItIsCut) {
  const std::string text =
      "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>\n"
      "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const auto piece = parsed(ToolFormat::tagged, text, size);
    ASSERT_EQ(piece.calls.size(), 2u) << size;
    EXPECT_EQ(piece.calls[0].name, "weather");
    EXPECT_EQ(piece.calls[0].arguments, R"({"city":"Bern"})");
    EXPECT_EQ(piece.calls[1].name, "time");
    EXPECT_TRUE(piece.text.starts_with("Let me see.")) << piece.text;
    EXPECT_EQ(piece.text.find('{'), std::string::npos);
  }
}

TEST(ToolCalls, WhatOnlyLooksLikeOneStaysText) {
  for (const std::string text : {"a < b", "<tool_call>no json</tool_call> after", "<tool_cal", "plain", "{\"a\": 1}",
                                 "<tool_call>\n{\"name\": 3}\n</tool_call>"})
    for (std::size_t size = 1; size <= text.size(); ++size) {
      const auto piece = parsed(ToolFormat::tagged, text, size);
      EXPECT_EQ(piece.text, text);
      EXPECT_TRUE(piece.calls.empty());
    }
}

TEST(ToolCalls, LlamasAreTheWholeAnswer) {
  const std::string text = R"({"name": "weather", "parameters": {"city": "Bern"}})";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const auto piece = parsed(ToolFormat::json, text, size);
    ASSERT_EQ(piece.calls.size(), 1u);
    EXPECT_EQ(piece.calls[0].arguments, R"({"city":"Bern"})");
    EXPECT_EQ(piece.text, "");
  }
  EXPECT_EQ(parsed(ToolFormat::json, R"({"other": 1})", 3).text, R"({"other": 1})");
  EXPECT_EQ(parsed(ToolFormat::json, "It rains.", 2).text, "It rains.");
}

TEST(ToolCalls, TheFormatIsTheTemplates) {
  const std::filesystem::path folder = std::filesystem::path(SPEEDWINS_SHARED_DIR) / "data" / "chat_templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no chat templates beside the checkout";
  const auto format_of = [&](const char* name) {
    std::ifstream file(folder / name);
    return tool_format_of(std::string(std::istreambuf_iterator<char>(file), {}));
  };
  EXPECT_EQ(format_of("Qwen-Qwen2.5-7B-Instruct.jinja"), ToolFormat::tagged);
  EXPECT_EQ(format_of("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja"), ToolFormat::tagged);
  EXPECT_EQ(format_of("meta-llama-Llama-3.1-8B-Instruct.jinja"), ToolFormat::json);
  EXPECT_EQ(format_of("google-gemma-2-2b-it.jinja"), ToolFormat::none);
}

TEST(ToolCalls, ARequiredOneIsTheOnlyTextThatMatches) {
  const Json tools = Json::parse(
      R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}])");
  const auto matches = [&](const ToolChoice& choice, ToolFormat format, const std::string& text) {
    const auto rules = tool_call_rules(tools, choice, format, true);
    EXPECT_TRUE(rules.has_value());
    auto grammar = Grammar::compile(*rules);
    EXPECT_TRUE(grammar.has_value());
    GrammarAutomaton automaton(std::make_shared<const Grammar>(std::move(*grammar)));
    auto state = automaton.begin();
    for (const char c : text) state = automaton.step(state, static_cast<unsigned char>(c));
    return automaton.accepts(state);
  };
  const ToolChoice required{ToolChoice::Kind::required, {}}, only_g{ToolChoice::Kind::function, "g"};
  const std::string f = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 3}}\n</tool_call>";
  const std::string g = "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>";
  EXPECT_TRUE(matches(required, ToolFormat::tagged, f));
  EXPECT_TRUE(matches(required, ToolFormat::tagged, f + "\n" + g));
  EXPECT_FALSE(matches(required, ToolFormat::tagged, "Hello"));
  EXPECT_FALSE(matches(only_g, ToolFormat::tagged, f));
  EXPECT_TRUE(matches(only_g, ToolFormat::tagged, g));
  EXPECT_TRUE(matches(required, ToolFormat::json, R"({"name": "f", "parameters": {"x": -1}})"));
}

TEST(ChatRequest, CallsOfEarlierTurnsBecomeObjects) {
  const auto messages = read_messages(Json::parse(
      R"([{"role":"developer","content":"Be brief."},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"}])"));
  ASSERT_TRUE(messages.has_value()) << messages.error().message;
  EXPECT_EQ((*messages)[0]["role"], "system");
  EXPECT_EQ((*messages)[1]["content"], "");
  EXPECT_EQ((*messages)[1]["tool_calls"][0]["function"]["arguments"]["x"], 1);
  EXPECT_EQ((*messages)[2]["tool_call_id"], "c1");
  EXPECT_FALSE(
      read_messages(Json::parse(R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}])")));
}

TEST(JsonBody, KeepsItsBounds) {
  EXPECT_FALSE(parse_body(std::string(65, '[')).has_value());
  std::string wide = "{";
  for (int i = 0; i < 1100; ++i) wide += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_FALSE(parse_body(wide + "\"z\":1}").has_value());
  EXPECT_TRUE(parse_body(R"({"a":[1,2,3],"b":"[[[[,,,,\"}"})").has_value());
}

TEST(WindowHistogram, FindsPercentilesWithinItsBuckets) {
  WindowHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.add(i, 100);
  const auto p = histogram.percentiles(100, 60);
  EXPECT_EQ(p.count, 1000u);
  EXPECT_NEAR(*p.p50, 500, 500 * 0.05);
  EXPECT_NEAR(*p.p99, 990, 990 * 0.05);
  EXPECT_EQ(histogram.percentiles(161, 60).count, 0u);
  histogram.add(5, 100 + WindowHistogram::seconds);
  EXPECT_EQ(histogram.percentiles(100 + WindowHistogram::seconds, 60).count, 1u);
}

class ConfigTest : public ::testing::Test {
 protected:
  Status read(const std::string& text) {
    std::ofstream(path_) << text;
    return read_config(path_, options_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("speedwins-serve-config-" + std::to_string(::getpid()) + ".toml");
  AppOptions options_;
};

TEST_F(ConfigTest, WhatItSetsIsSetAndTheRestStays) {
  const auto status = read(R"(
host = "0.0.0.0"
port = 9000
cors = ["https://a.example"]
[limits]
queue = 7
body_mb = 2
header_s = 1.5
[cache]
folder = "/tmp/x"
[[keys]]
name = "ada"
secret = "a-long-secret"
requests_per_minute = 60
[[models]]
path = "demo"
name = "small"
aliases = ["gpt-4o"]
keep_warm_s = 600
kv = "q8"
[[models]]
path = "large=/models/large.gguf"
)");
  ASSERT_TRUE(status.has_value()) << status.error().message();
  EXPECT_EQ(options_.http.port, 9000);
  EXPECT_EQ(options_.engine.max_queue, 7);
  EXPECT_EQ(options_.http.max_body, 2u << 20);
  EXPECT_EQ(options_.http.header_timeout.count(), 1500);
  EXPECT_EQ(options_.http.idle_timeout, http::ServerOptions().idle_timeout);
  ASSERT_EQ(options_.http.keys.size(), 1u);
  EXPECT_EQ(options_.http.keys[0].limits.requests_per_minute, 60);
  ASSERT_EQ(options_.models.size(), 2u);
  EXPECT_EQ(options_.models[0].name, "small");
  EXPECT_EQ(options_.models[0].kv_type, KvType::q8);
  EXPECT_EQ(options_.models[1].kv_type, default_kv_type);
  EXPECT_EQ(options_.models[1].name, "large");
  EXPECT_EQ(options_.models[1].path, "/models/large.gguf");
}

TEST_F(ConfigTest, AMistakeIsNamedWithItsPlace) {
  const auto message = [&](const std::string& text) {
    const auto status = read(text);
    return status ? std::string() : status.error().message();
  };
  EXPECT_NE(message("prot = 1").find("prot"), std::string::npos);
  EXPECT_NE(message("[limits]\nquue = 3").find("quue"), std::string::npos);
  EXPECT_NE(message("[limits]\nqueue = 2e56").find("whole number"), std::string::npos);
  EXPECT_NE(message("[limits]\nheader_s = nan").find("header_s"), std::string::npos);
  EXPECT_NE(message("port = 70000").find("65535"), std::string::npos);
  EXPECT_NE(message("port = \"x\"").find("port"), std::string::npos);
  EXPECT_NE(message("a = [").find("line 1"), std::string::npos);
  EXPECT_NE(message("[[models]]\npath = \"demo\"\nkv = \"q5\"").find("f16, bf16, f32, q8 or q4"), std::string::npos);
  EXPECT_NE(message("[[keys]]\nname = \"x\"\nsecret = \"short\"").find("secret"), std::string::npos);
}

TEST_F(ConfigTest, ANameWithoutAModelIsTakenForAFile) {
  ASSERT_TRUE(read("[[models]]\npath = \"large=\"").has_value());
  EXPECT_EQ(options_.models[0].path, "large=");
}

TEST_F(ConfigTest, TheExampleIsRight) {
  const auto status = read_config(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "deploy" / "speedwins.toml", options_);
  EXPECT_TRUE(status.has_value()) << status.error().message();
}

}  // namespace
}  // namespace sw
