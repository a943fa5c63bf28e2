#include <gtest/gtest.h>

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
      ASSERT_TRUE(reply.body.ends_with("\n\n"));
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

  const Json document_ = Json::parse(openapi_document());
  const test::SchemaReader reader_{document_};
  std::unique_ptr<App> app_;
  std::thread thread_;
};

TEST_F(OpenApiTest, EveryAnswerIsOneThatTheContractDescribes) {
  std::mt19937 random(3);
  const std::set<std::string> tags = {"OpenAI", "Text", "Operation"};
  for (const auto& [path, operations] : document_["paths"].items())
    for (const auto& [method, operation] : operations.items()) {
      if (method == "parameters" || !tags.contains(operation["tags"][0].get<std::string>())) continue;
      if (method == "get") {
        const std::string real = path == "/v1/models/{model}" ? "/v1/models/demo" : path;
        check(operation, test::ask(app_->port(), test::get(real)), real);
        continue;
      }
      const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
      for (int i = 0; i < 150 && !HasFatalFailure(); ++i) {
        Json body = reader_.draw(schema, random);
        if (random() % 2) body = test::spoilt(std::move(body), random);
        if (body.is_object()) {
          if (random() % 4) body["model"] = "demo";
          if (path.starts_with("/v1/c") && random() % 8) body["max_tokens"] = random() % 4 + 1;
          if (body.value("ignore_eos", Json()) == true || !body.contains("max_tokens")) body["timeout_ms"] = 50;
        }
        const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
        check(operation, test::ask(app_->port(), test::post(path, text)), path + " " + text.substr(0, 2000));
      }
    }
  EXPECT_EQ(test::ask(app_->port(), test::get("/health")).status, 200);
}

}  // namespace
}  // namespace sw
