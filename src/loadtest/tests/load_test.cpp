#include "loadtest/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "scripted_server.hpp"

namespace sw::loadtest {
namespace {

using std::chrono::milliseconds;
using Script = ScriptedServer::Script;

class Load : public ::testing::Test {
 protected:
  static LoadOptions options_for(const ScriptedServer& server) {
    LoadOptions options;
    auto url = endpoint_url(server.url(), options.target.chat);
    EXPECT_TRUE(url);
    options.target.url = *url;
    options.target.model = "m";
    options.prompts = [](std::uint64_t i) { return LoadPrompt{{{"user", "question " + std::to_string(i)}}, 4}; };
    options.workload = ClosedLoop{1};
    options.max_requests = 1;
    options.timeout_s = 5;
    return options;
  }

  LoadResult run(const LoadOptions& options) {
    auto result = run_load(options, never_);
    EXPECT_TRUE(result) << result.error().message();
    return result ? std::move(*result) : LoadResult{};
  }

  /// The one failure that a server with this script brings about.
  std::string failure_of(const Script& script) {
    ScriptedServer server([&](int, const std::string&) { return script; });
    LoadOptions options = options_for(server);
    options.timeout_s = 0.3;
    const LoadResult result = run(options);
    EXPECT_EQ(result.stats.answered, 0);
    EXPECT_EQ(result.stats.failed(), 1);
    return result.stats.failures.empty() ? "" : result.stats.failures.begin()->first;
  }

  static double p99_ms(const Histogram& histogram) { return histogram.quantile_ns(0.99) / 1e6; }

  std::atomic<bool> never_ = false;
};

TEST_F(Load, a_streamed_answer_gives_first_token_gaps_and_end) {
  ScriptedServer server([](int, const std::string&) { return good_stream(4, milliseconds(50), milliseconds(20)); });
  const LoadResult result = run(options_for(server));
  ASSERT_EQ(result.stats.answered, 1);
  EXPECT_EQ(result.stats.tokens, 4);
  EXPECT_EQ(result.stats.itl.count(), 3);
  EXPECT_GE(result.stats.ttft.min_ns(), 50'000'000);
  // A client that was late for the first token has shorter gaps; together they are as long as the server took.
  const double to_last = static_cast<double>(result.stats.ttft.min_ns()) + 3 * result.stats.itl.mean_ns();
  EXPECT_GE(to_last, 109e6);
  EXPECT_LE(to_last, 1.01 * static_cast<double>(result.stats.e2e.min_ns()));
  EXPECT_GE(result.stats.e2e.min_ns(), 110'000'000);
}

TEST_F(Load, the_request_is_what_openai_documents) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1); });
  LoadOptions options = options_for(server);
  options.target.api_key = "secret";
  run(options);
  ASSERT_EQ(server.requests().size(), 1u);
  const std::string request = server.requests().front();
  EXPECT_TRUE(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("Authorization: Bearer secret\r\n"), std::string::npos);
  EXPECT_NE(request.find(R"("messages":[{"role":"user","content":"question 0"}])"), std::string::npos) << request;
  EXPECT_NE(request.find(R"("stream":true)"), std::string::npos);
}

TEST_F(Load, answers_that_are_not_streamed_count_as_a_whole) {
  ScriptedServer server([](int, const std::string&) {
    return Script{{{milliseconds(30), whole_answer(200, "application/json",
                                                   R"({"choices":[{"message":{"content":"hi"}}],)"
                                                   R"("usage":{"completion_tokens":7}})")}}};
  });
  LoadOptions options = options_for(server);
  options.target.stream = false;
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 1);
  EXPECT_EQ(result.stats.tokens, 7);
  EXPECT_EQ(result.stats.itl.count(), 0);
}

TEST_F(Load, connections_are_kept_and_stale_ones_replaced) {
  // The second request on a connection is never answered: the server has closed it.
  ScriptedServer server([](int, const std::string&) {
    Script script = good_stream(1);
    script.close = true;
    return script;
  });
  LoadOptions options = options_for(server);
  options.max_requests = 5;
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 5);
  EXPECT_EQ(result.stats.failed(), 0);
  EXPECT_EQ(result.stats.retried, 4);

  ScriptedServer keeping([](int, const std::string&) { return good_stream(1); });
  options = options_for(keeping);
  options.max_requests = 5;
  run(options);
  EXPECT_EQ(keeping.connections(), 1);
}

/// The server stalls once for 900 ms. A client that waits before it sends would charge one request with the stall;
/// every request that was due meanwhile has waited too.
TEST_F(Load, a_stall_is_charged_to_everyone_who_would_have_waited) {
  std::mutex one_at_a_time;
  std::atomic<int> served = 0;
  const auto stalling = [&](int, const std::string&) {
    // The whole server stands still: on_request is called under the server's lock.
    if (served++ == 20) std::this_thread::sleep_for(milliseconds(900));
    return good_stream(1);
  };
  {
    ScriptedServer server(stalling);
    LoadOptions options = options_for(server);
    options.workload = OpenLoop{.rate = 100, .poisson = false};
    options.max_requests = 300;
    const LoadResult open = run(options);
    ASSERT_EQ(open.stats.answered, 300);
    // Those due in the 900 ms were about 90 of 300: the median of them waited half of it.
    EXPECT_GT(p99_ms(open.stats.ttft), 750);
    EXPECT_GT(open.stats.ttft.quantile_ns(0.85) / 1e6, 300);
    EXPECT_LT(open.stats.late.quantile_ns(0.5) / 1e6, 20);
  }
  served = 0;
  ScriptedServer server(stalling);
  LoadOptions options = options_for(server);
  options.max_requests = 200;
  const LoadResult closed = run(options);
  ASSERT_EQ(closed.stats.answered, 200);
  EXPECT_LT(closed.stats.ttft.quantile_ns(0.99) / 1e6, 600) << "one of 200 is beyond p99";
  EXPECT_GT(static_cast<double>(closed.stats.ttft.max_ns()) / 1e6, 890);
}

TEST_F(Load, waiting_for_a_connection_counts_as_latency) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1, milliseconds(50)); });
  LoadOptions options = options_for(server);
  options.workload = OpenLoop{.rate = 100, .poisson = false};
  options.max_requests = 10;
  options.max_connections = 1;
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 10);
  EXPECT_EQ(result.stats.queued, 9);
  EXPECT_EQ(server.connections(), 1);
  // The last was due after 90 ms and answered after 500.
  EXPECT_GT(result.stats.ttft.max_ns(), 380'000'000);
}

TEST_F(Load, a_trace_is_replayed_at_its_instants) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1); });
  LoadOptions options = options_for(server);
  options.workload = Replay{{0, 0.1, 0.1, 0.3}};
  options.max_requests = 0;
  const auto begin = std::chrono::steady_clock::now();
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 4);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(300));
}

TEST_F(Load, threads_share_one_schedule) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1); });
  LoadOptions options = options_for(server);
  options.workload = OpenLoop{.rate = 500, .poisson = true};
  options.max_requests = 40;
  options.threads = 3;
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 40);
  std::vector<std::string> questions;
  for (const std::string& request : server.requests()) questions.push_back(request.substr(request.find("question")));
  std::ranges::sort(questions);
  EXPECT_EQ(std::ranges::unique(questions).size(), 0u) << "every request is sent once";
}

TEST_F(Load, warming_up_is_not_counted) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1); });
  LoadOptions options = options_for(server);
  options.workload = OpenLoop{.rate = 50, .poisson = false};
  options.max_requests = 20;
  options.warm_up_s = 0.2;
  const LoadResult result = run(options);
  EXPECT_EQ(server.requests().size(), 20u);
  EXPECT_EQ(result.stats.answered, 10);
}

TEST_F(Load, goodput_counts_what_met_every_limit) {
  ScriptedServer server([](int index, const std::string&) {
    return good_stream(2, milliseconds(index % 2 ? 600 : 0), milliseconds(index % 4 == 2 ? 600 : 0));
  });
  LoadOptions options = options_for(server);
  options.max_requests = 8;
  options.slo = {.ttft_ms = 500, .itl_ms = 500, .e2e_ms = {}};
  const LoadResult result = run(options);
  EXPECT_EQ(result.stats.answered, 8);
  EXPECT_EQ(result.stats.good, 2);
}

TEST_F(Load, stopping_keeps_what_there_is) {
  ScriptedServer server(
      [](int index, const std::string&) { return good_stream(1, milliseconds(index < 5 ? 0 : 60000)); });
  LoadOptions options = options_for(server);
  options.workload = OpenLoop{.rate = 100, .poisson = false};
  options.max_requests = 0;
  options.duration_s = 60;
  std::atomic<bool> stop = false;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(300));
    stop = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto result = run_load(options, stop);
  ASSERT_TRUE(result);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(3000));
  EXPECT_TRUE(result->interrupted);
  EXPECT_GE(result->stats.answered, 1);
  EXPECT_EQ(result->stats.failed(), 0);
  EXPECT_GT(result->stats.unfinished, 5);
}

TEST_F(Load, each_kind_of_failure_has_its_name) {
  const std::string good = chat_event("a");
  EXPECT_EQ(failure_of({{{milliseconds(0), whole_answer(503, "text/plain", "busy")}}}), "http_status 503");
  EXPECT_EQ(failure_of({{{milliseconds(0), whole_answer(200, "text/html", "<html>")}}}), "not_openai");
  EXPECT_EQ(failure_of({{{milliseconds(0), whole_answer(200, "application/json", "{\"ok\":true}")}}}), "not_openai");
  EXPECT_EQ(failure_of({{{milliseconds(0), "220 mail.example ESMTP\r\n\r\n"}}, true}), "not_openai");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(true) + chunk(good + "data: {\"choi\n\n")}}}),
            "malformed_event");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(false) + good + "data: {\"choi"}}, true}), "truncated");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(false) + good}}, true}), "truncated");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(true) + chunk(good)}}, true}), "truncated");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(false) + "data: {\"error\":{\"message\":\"no memory\"}}\n\n"}},
                        true}),
            "server_error");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(false) + "data: [DONE]\n\n"}}, true}), "empty");
  EXPECT_EQ(failure_of({{}, true}), "reset");
  EXPECT_EQ(failure_of({{{milliseconds(60000), "never"}}}), "timeout");
  EXPECT_EQ(failure_of({{{milliseconds(0), stream_header(true) + chunk("data: {\"cho")}, {milliseconds(60000), ""}}}),
            "timeout");
}

TEST_F(Load, a_server_that_does_not_speak_tls_is_a_failure_of_tls) {
  ScriptedServer server([](int, const std::string&) { return good_stream(1); });
  LoadOptions options = options_for(server);
  options.target.url.tls = true;
  options.timeout_s = 0.3;  // it waits for a request that never ends
  const LoadResult result = run(options);
  ASSERT_EQ(result.stats.failed(), 1);
  EXPECT_EQ(result.stats.failures.begin()->second.example, "no TLS session in time");
}

TEST_F(Load, a_host_that_does_not_exist_is_an_error) {
  LoadOptions options;
  options.target.url = *Url::parse("http://no-such-host.invalid/");
  options.prompts = [](std::uint64_t) { return LoadPrompt{}; };
  const auto result = run_load(options, never_);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("cannot find the host"), std::string::npos);
}

TEST_F(Load, nobody_listening_is_a_failure_to_connect) {
  LoadOptions options;
  {
    ScriptedServer gone([](int, const std::string&) { return Script{}; });
    options = options_for(gone);
  }
  EXPECT_EQ(run(options).stats.failures.begin()->first, "connect");
  const Status checked = check_server(options, never_);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message().find("refused"), std::string::npos) << checked.error().message();
  EXPECT_FALSE(checked.error().next.empty());
}

TEST_F(Load, a_server_is_checked_before_it_is_loaded) {
  ScriptedServer good([](int, const std::string&) { return good_stream(1); });
  EXPECT_TRUE(check_server(options_for(good), never_));
  ScriptedServer wrong([](int, const std::string&) {
    return Script{{{milliseconds(0), whole_answer(404, "text/plain", "no such page")}}};
  });
  const Status checked = check_server(options_for(wrong), never_);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().what.find("no such page"), std::string::npos);
  EXPECT_NE(checked.error().next.find("/v1/chat/completions"), std::string::npos);
}

}  // namespace
}  // namespace sw::loadtest
