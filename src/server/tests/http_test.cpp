#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "raw_client.hpp"
#include "server/http/server.hpp"

namespace sw::http {
namespace {

using test::ask;
using test::get;
using test::post;
using test::RawClient;
using namespace std::chrono_literals;

/// A server with a few routes, on a free port.
class HttpTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.port = 0;
    options.host = "127.0.0.1";
    Router router;
    router.add({"GET", "/hello", answer_with([](const Request& request) {
                  Response response;
                  response.content_type = "text/plain";
                  response.body = "hello " + std::string(request.parameter_of_query("name"));
                  return response;
                }),
                Access::open, Where::io});
    router.add({"GET", "/secret", answer_with([](const Request& request) {
                  Response response;
                  response.body = request.client;
                  return response;
                }),
                Access::key, Where::io});
    router.add({"POST", "/echo", answer_with([](const Request& request) {
                  Response response;
                  response.body = request.body;
                  return response;
                }),
                Access::key, Where::worker});
    router.add(
        {"GET", "/stream", [this](ExchangePtr exchange) { stream(std::move(exchange)); }, Access::open, Where::worker});
    router.add({"GET", "/stream-at-once",
                [](const ExchangePtr& exchange) {
                  exchange->begin({});
                  exchange->write("all ");
                  exchange->write("of it");
                  exchange->end();
                },
                Access::open, Where::io});
    router.add({"GET", "/wait",
                [this](ExchangePtr exchange) {
                  exchange->on_close([this] { ++closed_; });
                  waiting_ = std::move(exchange);
                },
                Access::key, Where::io});
    router.add({"GET", "/drop", [](const ExchangePtr&) {}, Access::open, Where::io});
    router.add(
        {"GET", "/throw", [](const ExchangePtr&) { throw std::runtime_error("oops"); }, Access::open, Where::worker});
    router.add({"GET", "/flood",
                [this](ExchangePtr exchange) {
                  exchange->on_close([this] { flooded_ = true; });
                  exchange->begin({});
                  const std::string piece(1 << 16, 'x');
                  while (!exchange->closed()) exchange->write(piece);
                  exchange->end();
                },
                Access::open, Where::worker});
    router.add({"GET", "/things/{name}", answer_with([](const Request& request) {
                  Response response;
                  response.body = request.parameter;
                  return response;
                }),
                Access::open, Where::io});
    auto server = Server::create(std::move(options), std::move(router));
    ASSERT_TRUE(server.has_value()) << server.error().message();
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    if (!server_) return;
    server_->finish(1s);
    thread_.join();
    waiting_.reset();
  }
  static void stream(ExchangePtr exchange) {
    Response head;
    head.content_type = "text/event-stream";
    exchange->begin(head);
    for (int i = 0; i < 5; ++i) {
      exchange->write("data: " + std::to_string(i) + "\n\n");
      std::this_thread::sleep_for(2ms);
    }
    exchange->end();
  }
  std::uint16_t port() const { return server_->port(); }
  template <class F>
  static bool eventually(F&& f) {
    for (int i = 0; i < 500; ++i) {
      if (f()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::atomic<int> closed_{0};
  std::atomic<bool> flooded_{false};
  ExchangePtr waiting_;
};

std::string error_message(const test::Reply& reply) {
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  return json.is_object() && json.contains("error") ? json["error"]["message"].get<std::string>() : "";
}

TEST_F(HttpTest, ManyRequestsShareAConnection) {
  start();
  RawClient client(port());
  for (const char* name : {"a", "b%20c", "d+e"}) {
    client.send(get(std::string("/hello?name=") + name));
    EXPECT_TRUE(client.receive().complete);
  }
  client.send(get("/hello?name=x%20y") + get("/hello?name=z"));  // pipelined
  EXPECT_EQ(client.receive().body, "hello x y");
  EXPECT_EQ(client.receive().body, "hello z");
}

TEST_F(HttpTest, ARequestMayComeByteByByte) {
  start();
  RawClient client(port());
  for (const char c : post("/echo", R"({"a":1})")) client.send({&c, 1});
  EXPECT_EQ(client.receive().body, R"({"a":1})");
}

TEST_F(HttpTest, ChunkedBodiesAreReadAndStreamsAreChunked) {
  start();
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.receive().status, 403);  // a second Host header is no way around the check
  RawClient other(port());
  other.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n");
  EXPECT_EQ(other.receive().body, "[1,2]");
  other.send(get("/stream"));
  const auto reply = other.receive();
  EXPECT_EQ(reply.body, "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  other.send(get("/hello?name=again"));
  EXPECT_EQ(other.receive().body, "hello again");
}

TEST_F(HttpTest, AStreamThatEndsBeforeItIsLookedAtIsWhole) {
  start();
  EXPECT_EQ(ask(port(), get("/stream-at-once")).body, "all of it");
}

TEST_F(HttpTest, OldClientsGetTheStreamUntilTheConnectionCloses) {
  start();
  RawClient client(port());
  client.send("GET /stream HTTP/1.0\r\nHost: localhost\r\n\r\n");
  const auto reply = client.receive();
  EXPECT_FALSE(reply.headers.contains("transfer-encoding"));
  EXPECT_TRUE(reply.body.ends_with("data: 4\n\n"));
}

TEST_F(HttpTest, WhatIsNotHttpIsAnsweredWith400AndClosed) {
  start();
  for (const char* nonsense :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    RawClient client(port());
    client.send(nonsense);
    EXPECT_EQ(client.receive().status, 400) << nonsense;
    EXPECT_TRUE(client.is_closed());
  }
}

TEST_F(HttpTest, LimitsHaveTheirStatus) {
  ServerOptions options;
  options.max_body = 1000;
  options.max_headers = 2000;
  options.max_target = 500;
  start(options);
  EXPECT_EQ(ask(port(), post("/echo", std::string(1001, '1'))).status, 413);
  EXPECT_EQ(ask(port(), post("/echo", std::string(1000, '1'))).status, 200);
  EXPECT_EQ(ask(port(), get("/hello", "X: " + std::string(3000, 'x') + "\r\n")).status, 431);
  EXPECT_EQ(ask(port(), get("/hello?name=" + std::string(600, 'x'))).status, 414);
  RawClient chunked(port());
  chunked.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n7d0\r\n" +
      std::string(2000, '1') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.receive().status, 413);
}

TEST_F(HttpTest, ErrorsHaveOpenAIsForm) {
  start();
  const auto missing = ask(port(), get("/nothing"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(error_message(missing), "");
  const auto wrong = ask(port(), get("/echo"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "POST");
  EXPECT_EQ(ask(port(), get("/%zz")).status, 400);
  EXPECT_EQ(ask(port(), get("/things/a%2Fb")).status, 404);
  EXPECT_EQ(ask(port(), get("/things/ab")).body, "ab");
  EXPECT_EQ(ask(port(), "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}").status, 415);
}

TEST_F(HttpTest, AHandlerThatDropsOrThrowsIsA500) {
  start();
  EXPECT_EQ(ask(port(), get("/drop")).status, 500);
  const auto thrown = ask(port(), get("/throw"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(error_message(thrown), "oops");
}

TEST_F(HttpTest, HeadHasTheLengthAndNoBody) {
  start();
  RawClient client(port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::string all;
  for (std::string piece; !(piece = client.receive_some()).empty();) all += piece;
  EXPECT_NE(all.find("Content-Length: 6"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\n"));
}

TEST_F(HttpTest, AClientThatExpectsAnInvitationGetsOne) {
  start();
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.receive_some().starts_with("HTTP/1.1 100 "));
  client.send("{}");
  EXPECT_EQ(client.receive().body, "{}");
}

TEST_F(HttpTest, AHandlerLearnsAtOnceThatItsClientIsGone) {
  start();
  for (const bool with_reset : {false, true}) {
    closed_ = 0;
    RawClient client(port());
    client.send(get("/wait"));
    ASSERT_TRUE(eventually([&] { return server_->connections() >= 1; }));
    std::this_thread::sleep_for(50ms);
    if (with_reset)
      client.reset();
    else
      client.close();
    EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  }
}

TEST_F(HttpTest, AClientThatDoesNotReadIsGivenUp) {
  ServerOptions options;
  options.max_backlog = 1 << 20;
  options.write_timeout = 300ms;
  start(options);
  RawClient client(port());
  client.send(get("/flood"));
  // All that was sent before may still be read; the end of a whole answer may not.
  EXPECT_TRUE(eventually([&] { return flooded_.load(); }));
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpTest, SlowAndIdleClientsAreClosed) {
  ServerOptions options;
  options.idle_timeout = 200ms;
  options.header_timeout = 200ms;
  options.body_timeout = 200ms;
  start(options);
  RawClient idle(port());
  EXPECT_TRUE(idle.is_closed());
  RawClient slow_header(port());
  slow_header.send("GET /hello HTT");
  EXPECT_TRUE(slow_header.is_closed());
  RawClient slow_body(port());
  slow_body.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
  EXPECT_TRUE(slow_body.is_closed());
}

TEST_F(HttpTest, KeysAreNeededWhereThereAreAny) {
  ServerOptions options;
  options.keys = {{"ada", "secret-of-ada", {}}, {"bob", "secret-of-bob", {}}};
  start(options);
  EXPECT_EQ(ask(port(), get("/hello")).status, 200);
  EXPECT_EQ(ask(port(), get("/secret")).status, 401);
  EXPECT_EQ(ask(port(), get("/secret", "Authorization: Bearer secret-of-ad\r\n")).status, 401);
  EXPECT_EQ(ask(port(), get("/secret", "Authorization: Bearer secret-of-adaa\r\n")).status, 401);
  EXPECT_EQ(ask(port(), get("/secret", "Authorization: Bearer secret-of-bob\r\n")).body, "bob");
  EXPECT_EQ(ask(port(), get("/secret", "authorization: bearer secret-of-ada\r\n")).body, "ada");
}

TEST_F(HttpTest, AKeyMayHaveOnlySoManyRequestsInProgress) {
  ServerOptions options;
  options.keys = {{"ada", "secret-of-ada", {.requests_per_minute = 0, .concurrent = 1}}};
  start(options);
  const std::string key = "Authorization: Bearer secret-of-ada\r\n";
  RawClient first(port());
  first.send(get("/wait", key));
  std::this_thread::sleep_for(50ms);
  const auto second = ask(port(), get("/secret", key));
  EXPECT_EQ(second.status, 429);
  EXPECT_TRUE(second.headers.contains("retry-after"));
  first.close();
  EXPECT_TRUE(eventually([&] { return ask(port(), get("/secret", key)).status == 200; }));
}

TEST_F(HttpTest, PagesOfOtherSitesMayAskOnlyWhereTheyWereAllowedTo) {
  ServerOptions options;
  options.origins = {"https://good.example"};
  start(options);
  EXPECT_EQ(ask(port(), post("/echo", "{}", "Origin: https://evil.example\r\n")).status, 403);
  EXPECT_EQ(ask(port(), post("/echo", "{}", "Origin: http://localhost\r\n")).status, 200);
  const auto allowed = ask(port(), post("/echo", "{}", "Origin: https://good.example\r\n"));
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.headers.at("access-control-allow-origin"), "https://good.example");
  const auto preflight =
      ask(port(), "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://good.example\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_FALSE(
      ask(port(), get("/hello", "Origin: https://evil.example\r\n")).headers.contains("access-control-allow-origin"));
  EXPECT_EQ(ask(port(), "GET /hello HTTP/1.1\r\nHost: rebound.example\r\n\r\n").status, 403);
}

TEST_F(HttpTest, FinishingLetsAnAnswerEndAndTakesNoMoreConnections) {
  start();
  RawClient resting(port()), busy(port());
  busy.send(get("/wait"));
  std::this_thread::sleep_for(50ms);
  const std::uint16_t old_port = port();
  server_->finish(5s);
  EXPECT_TRUE(resting.is_closed());
  EXPECT_EQ(ask(old_port, get("/hello")).status, 0);
  Response last;
  last.body = "done";
  waiting_->respond(last);
  const auto reply = busy.receive();
  EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST(HttpServer, OneThatIsFinishedBeforeItRunsEndsAtOnce) {
  ServerOptions options;
  options.port = 0;
  auto server = Server::create(options, {});
  ASSERT_TRUE(server.has_value());
  (*server)->finish(1s);
  (*server)->run();
}

TEST(HttpServer, APortThatIsTakenIsAnError) {
  ServerOptions options;
  options.port = 0;
  auto first = Server::create(options, {});
  ASSERT_TRUE(first.has_value());
  options.port = (*first)->port();
  const auto second = Server::create(options, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message().find(std::to_string(options.port)), std::string::npos);
}

TEST(AccessControl, RefillsTheRequestsOfAMinute) {
  AccessControl access({{"ada", "secret-of-ada", {.requests_per_minute = 2, .concurrent = 0}}}, {});
  Request request;
  request.headers = {{"Authorization", "Bearer secret-of-ada"}};
  const auto start = std::chrono::steady_clock::now();
  const auto at = [&](std::chrono::seconds later) { return access.admit(request, "::1", start + later).has_value(); };
  EXPECT_TRUE(at(0s));
  EXPECT_TRUE(at(0s));
  EXPECT_FALSE(at(1s));
  EXPECT_TRUE(at(31s));
  EXPECT_FALSE(at(32s));
}

TEST(Json, StringsAreEscapedAndAlwaysUtf8) {
  for (const std::string text : {"", "plain", "q\"b\\n\n\t\x01", "é😀", "\x80 bad", "\xED\xA0\x80", "cut \xF0\x9F"}) {
    std::string out;
    append_json_string(out, text);
    const auto parsed = nlohmann::json::parse(out, nullptr, false);
    ASSERT_TRUE(parsed.is_string()) << out;
    if (nlohmann::json::accept("\"" + text + "\"") && text.find('\\') == std::string::npos) {
      EXPECT_EQ(parsed.get<std::string>(), text);
    }
  }
}

TEST(Target, IsDecodedOrRefused) {
  std::string path;
  std::vector<Field> query;
  ASSERT_TRUE(parse_target("/a%20b/c?x=1&y=%26&z", path, query));
  EXPECT_EQ(path, "/a b/c");
  ASSERT_EQ(query.size(), 3u);
  EXPECT_EQ(query[1].value, "&");
  EXPECT_EQ(query[2].name, "z");
  for (const char* wrong : {"", "x", "/%", "/%4", "/%g0", "/%00", "http://x/y"})
    EXPECT_FALSE(parse_target(wrong, path, query)) << wrong;
}

}  // namespace
}  // namespace sw::http
