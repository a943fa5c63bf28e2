#include "loadtest/client.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "scripted_server.hpp"

namespace sw::loadtest {
namespace {

using std::chrono::milliseconds;
using Script = ScriptedServer::Script;

class ClientOf : public ::testing::Test {
 protected:
  static Result<Client> client(const ScriptedServer& server, bool stream = true, double timeout_s = 5) {
    LoadTarget target;
    SW_ASSIGN(target.url, endpoint_url(server.url(), target.chat));
    target.stream = stream;
    target.greedy = true;
    return Client::create(target, timeout_s);
  }
  const LoadPrompt prompt_{{{"user", "how fast?"}}, 4};
};

TEST_F(ClientOf, a_stream_knows_when_its_tokens_came) {
  ScriptedServer server([](int, const std::string&) { return good_stream(4, milliseconds(50), milliseconds(20)); });
  auto asking = client(server);
  ASSERT_TRUE(asking);
  for (int i = 0; i < 2; ++i) {
    const auto answer = asking->ask(prompt_);
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->tokens, 4);
    EXPECT_EQ(answer->gaps_ms.size(), 3u);
    EXPECT_GE(answer->ttft_ms, 50);
    EXPECT_GE(answer->total_ms, 110);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_NE(server.requests()[0].find("\"temperature\":0"), std::string::npos);
}

TEST_F(ClientOf, a_whole_answer_has_its_text) {
  const std::string body = R"({"choices":[{"message":{"content":"very"},"finish_reason":"stop"}]})";
  ScriptedServer server([&](int, const std::string&) {
    return Script{{{milliseconds(0), whole_answer(200, "application/json", body)}}};
  });
  auto asking = client(server, false);
  ASSERT_TRUE(asking);
  const auto answer = asking->ask(prompt_);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->text, "very");
}

TEST_F(ClientOf, a_server_that_closed_the_connection_meanwhile_is_asked_again) {
  ScriptedServer server([](int, const std::string&) {
    Script script = good_stream(1);
    script.close = true;
    return script;
  });
  auto asking = client(server);
  ASSERT_TRUE(asking);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(asking->ask(prompt_)) << i;
}

TEST_F(ClientOf, a_server_that_hangs_or_stops_in_the_middle_is_an_error_with_advice) {
  const Script scripts[] = {{{{milliseconds(60000), "never"}}},
                            {{{milliseconds(0), stream_header(false) + "data: {\"choi"}}, true},
                            {{{milliseconds(0), whole_answer(500, "text/plain", "broken")}}}};
  for (const auto& script : scripts) {
    ScriptedServer server([&](int, const std::string&) { return script; });
    auto asking = client(server, true, 0.3);
    ASSERT_TRUE(asking);
    const auto answer = asking->ask(prompt_);
    ASSERT_FALSE(answer);
    EXPECT_FALSE(answer.error().next.empty()) << answer.error().message();
  }
}

TEST_F(ClientOf, a_cancelled_request_ends_soon) {
  ScriptedServer server([](int, const std::string&) { return Script{{{milliseconds(60000), "never"}}}; });
  auto asking = client(server, true, 60);
  ASSERT_TRUE(asking);
  std::atomic<bool> cancel = false;
  std::jthread later([&] {
    std::this_thread::sleep_for(milliseconds(50));
    cancel = true;
  });
  const auto answer = asking->ask(prompt_, &cancel);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "interrupted");
}

}  // namespace
}  // namespace sw::loadtest
