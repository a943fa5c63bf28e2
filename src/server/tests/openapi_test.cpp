#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "json_schema.hpp"
#include "raw_client.hpp"
#include "server/app.hpp"
#include "server/config.hpp"
#include "server/service.hpp"

namespace sw {
namespace {

using Json = nlohmann::ordered_json;

/// Requests drawn from the contract, right ones and spoilt ones: whatever comes, the answer is one that the contract
/// describes, and the server goes on.
class OpenApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AppOptions options;
    options.http.port = 0;
    options.models = {model_config_of("demo")};
    std::promise<std::string> ready;
    options.on_ready = [&](const std::string&, const std::string& error) { ready.set_value(error); };
    auto app = App::create(std::move(options));
    ASSERT_TRUE(app.has_value()) << app.error().message();
    app_ = std::move(*app);
    thread_ = std::thread([this] { app_->run(); });
    ASSERT_EQ(ready.get_future().get(), "");
  }
  void TearDown() override {
    app_->finish();
    thread_.join();
  }

  void check(const Json& operation, const test::Reply& reply, const std::string& request) {
    ASSERT_TRUE(reply.complete) << request;
    ASSERT_NE(reply.status, 500) << request << "\n" << reply.body;
    const std::string status = std::to_string(reply.status);
    // 415 and the like belong to HTTP, not to one operation.
    ASSERT_TRUE(operation["responses"].contains(status)) << status << " for " << request << "\n" << reply.body;
    const Json& response = reader_.resolve(operation["responses"][status]);
    const std::string type = reply.headers.at("content-type").substr(0, reply.headers.at("content-type").find(';'));
    ASSERT_TRUE(response["content"].contains(type)) << type << " for " << request;
    const Json& schema = response["content"][type]["schema"];
    if (type == "application/json") {
      const Json body = Json::parse(reply.body, nullptr, false);
      ASSERT_FALSE(body.is_discarded()) << reply.body;
      EXPECT_EQ(reader_.mismatch(schema, body), "") << request << "\n" << reply.body.substr(0, 2000);
    } else if (type == "text/event-stream") {
      ASSERT_TRUE(reply.body.ends_with("\n\n")) << request << "\n" << reply.body;
      for (std::size_t at = 0; at < reply.body.size();) {
        const std::size_t end = reply.body.find("\n\n", at);
        const std::string data = reply.body.substr(at + 6, end - at - 6);
        at = end + 2;
        if (data != "[DONE]") {
          EXPECT_EQ(reader_.mismatch(schema, Json::parse(data)), "") << data;
        }
      }
    }
  }

  /// A body that the contract describes, or one with something wrong in it; its answer does not take long.
  std::string drawn_body(const std::string& path, const Json& operation, std::mt19937& random) const {
    Json body = reader_.draw(operation["requestBody"]["content"]["application/json"]["schema"], random);
    if (random() % 2) body = test::spoilt(std::move(body), random);
    if (body.is_object()) {
      if (random() % 4) body["model"] = path.starts_with("/models/") ? "none" : "demo";
      if (path.starts_with("/v1/c") && random() % 8) body["max_tokens"] = random() % 4 + 1;
      if (body.value("ignore_eos", Json()) == true || !body.contains("max_tokens")) body["timeout_ms"] = 50;
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  const Json document_ = Json::parse(openapi_document());
  const test::SchemaReader reader_{document_};
  std::unique_ptr<App> app_;
  std::thread thread_;
};

const std::size_t n_requests = test::setting("SPEEDWINS_FUZZ_REQUESTS", 150);
const std::size_t seed = test::setting("SPEEDWINS_FUZZ_SEED", 3);

TEST_F(OpenApiTest, EveryAnswerIsOneThatTheContractDescribes) {
  std::mt19937 random(static_cast<unsigned>(seed));
  const std::set<std::string> tags = {"OpenAI", "Text", "Operation"};
  for (const auto& [path, operations] : document_["paths"].items())
    for (const auto& [method, operation] : operations.items()) {
      if (method == "parameters" || !tags.contains(operation["tags"][0].get<std::string>())) continue;
      if (method == "get") {
        const std::string real = path == "/v1/models/{model}" ? "/v1/models/demo" : path;
        check(operation, test::ask(app_->port(), test::get(real)), real);
        continue;
      }
      for (std::size_t i = 0; i < n_requests && !HasFatalFailure(); ++i) {
        const std::string text = drawn_body(path, operation, random);
        check(operation, test::ask(app_->port(), test::post(path, text)), path + " " + text.substr(0, 2000));
      }
    }
  EXPECT_EQ(test::ask(app_->port(), test::get("/health")).status, 200);
}

TEST_F(OpenApiTest, WhatIsNoJsonOrNoTextIsRefusedAsTheContractSays) {
  std::mt19937 random(static_cast<unsigned>(seed) + 1);
  for (const auto& [path, operations] : document_["paths"].items()) {
    if (!operations.contains("post") || path.starts_with("/api/")) continue;
    const Json& operation = operations["post"];
    for (std::size_t i = 0; i < n_requests / 3 && !HasFatalFailure(); ++i) {
      std::string text = drawn_body(path, operation, random);
      for (std::size_t n = random() % 3 + 1; n > 0; --n) text = test::broken(std::move(text), random);
      check(operation, test::ask(app_->port(), test::post(path, text)), path + " " + text.substr(0, 2000));
    }
  }
  EXPECT_EQ(test::ask(app_->port(), test::get("/health")).status, 200);
}

TEST_F(OpenApiTest, WhatTheContractDoesNotKnowIsAnErrorInOpenAIsForm) {
  const Json& form = document_["components"]["schemas"]["Error"];
  const auto expect_refused = [&](const std::string& request, std::set<int> statuses) {
    const test::Reply reply = test::ask(app_->port(), request);
    EXPECT_TRUE(statuses.contains(reply.status)) << reply.status << " for " << request.substr(0, 200);
    const Json body = Json::parse(reply.body, nullptr, false);
    ASSERT_FALSE(body.is_discarded()) << reply.body;
    EXPECT_EQ(reader_.mismatch(form, body), "") << reply.body;
  };
  for (const auto& [path, operations] : document_["paths"].items()) {
    if (path.starts_with("/api/")) continue;
    const std::string real = path == "/v1/models/{model}" ? "/v1/models/demo" : path;
    for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "BREW"}) {
      std::string name = method;
      std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
      if (operations.contains(name)) continue;
      std::string request = test::post(real, "{}");
      request.replace(0, request.find(' '), method);
      expect_refused(request, {400, 405});
    }
    if (operations.contains("post")) {
      std::string request = test::post(real, "{}");
      const std::size_t type = request.find("application/json");
      request.replace(type, 16, "text/xml");
      expect_refused(request, {415});
    }
  }
  for (const char* path : {"/v1/nothing", "/v1/models/none", "/v1/models/..%2f..", "/v1/models/%00", "/v2/completions"})
    expect_refused(test::get(path), {400, 404});
}

}  // namespace
}  // namespace sw
