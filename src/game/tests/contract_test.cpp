#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "game/api.hpp"
#include "server/tests/json_schema.hpp"
#include "small_content.hpp"

namespace sw::game {
namespace {

using Json = nlohmann::ordered_json;

/// Requests drawn from openapi.json, right ones and spoilt ones, by players that come and go: whatever comes, the
/// answer is one that the contract describes, and the game goes on.
class ContractTest : public ::testing::Test {
 protected:
  static Json read_contract() {
    std::ifstream file(SPEEDWINS_SOURCE_DIR "/src/server/openapi.json");
    return Json::parse(file);
  }

  /// Words that mean something here, now and then.
  std::string word(const std::string& name) {
    static const std::vector<std::string> ids = {"a", "b", "c", "ab", "abc", "A", "a ", "nothing", "", "\xff", "../a"};
    static const std::vector<std::string> slots = {"main", "second", "third", "", "a/b", std::string(33, 's')};
    const auto& words = name == "slot" ? slots : ids;
    return words[random() % (random() % 4 ? 3 : words.size())];
  }
  void make_sensible(Json& body) {
    if (!body.is_object()) return;
    for (auto& [name, value] : body.items()) {
      if (random() % 5 == 0) continue;
      if (name == "ingredients" && value.is_array())
        for (Json& one : value) one = word("id");
      else if (name == "slot" || name == "concept" || name == "prediction" || name == "target")
        if (value.is_string()) value = word(name);
    }
    if (body.contains("slot") && random() % 2) body["slot"] = "main";
    if (body.contains("save") && random() % 2) body["save"] = last_save;
    if (body.contains("code") && random() % 2) body["code"] = last_code;
  }

  void check(const std::string& path, const std::string& method, const Json& operation) {
    std::string upper = method, real = path.substr(std::string("/api/game").size()), body;
    std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
    if (const std::size_t at = real.find("{id}"); at != std::string::npos) real.replace(at, 4, word("id"));
    std::vector<std::pair<std::string, std::string>> query;
    if (operation.contains("parameters"))
      for (const Json& parameter : operation["parameters"])
        if (parameter.value("in", "") == "query" && random() % 2) {
          const Json drawn = random() % 4 ? reader.draw(parameter["schema"], random) : Json("x");
          query.emplace_back(parameter["name"], drawn.is_string() ? drawn.get<std::string>() : drawn.dump());
          if (random() % 2) query.back().second = word(query.back().first);
        }
    if (operation.contains("requestBody")) {
      Json drawn = reader.draw(operation["requestBody"]["content"]["application/json"]["schema"], random);
      make_sensible(drawn);
      if (random() % 3 == 0) drawn = test::spoilt(std::move(drawn), random);
      body = drawn.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (random() % 6 == 0) body = test::broken(std::move(body), random);
    }
    ApiRequest request{.method = upper, .path = real, .body = body, .cookie = cookie, .client = "127.0.0.1"};
    for (const auto& [name, value] : query) request.query.emplace_back(name, value);
    const ApiResponse response = api->handle(request);
    const std::string told = upper + " " + real + " " + body.substr(0, 2000);
    const std::string status = std::to_string(response.status);
    ASSERT_TRUE(operation["responses"].contains(status)) << status << " for " << told << "\n" << response.body;
    const Json& expected = reader.resolve(operation["responses"][status]);
    if (response.body.empty()) return;
    const Json answer = Json::parse(response.body, nullptr, false);
    ASSERT_FALSE(answer.is_discarded()) << told << "\n" << response.body;
    EXPECT_EQ(reader.mismatch(expected["content"]["application/json"]["schema"], answer), "")
        << told << "\n"
        << response.body.substr(0, 2000);
    if (response.status != 200) return;
    if (real == "/export") last_save = answer;
    if (real == "/share") last_code = answer["code"];
    for (const auto& [name, value] : response.headers)
      if (name == "Set-Cookie") cookie = value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
  }

  const Json contract = read_contract();
  const test::SchemaReader reader{contract};
  std::mt19937 random{static_cast<unsigned>(test::setting("SPEEDWINS_FUZZ_SEED", 5))};
  std::string cookie;
  Json last_save, last_code;

  const Content content = alphabet().load();
  static constexpr ContentFile documents[] = {{"documents/a.md", "# A\n\nText."}};
  std::unique_ptr<Store> store = std::move(*Store::open(std::move(*open_sqlite(":memory:"))));
  std::unique_ptr<Api> api = std::move(*Api::create(
      content, documents, *store,
      {.requests_per_second = 1e9,
       .burst = 1e9,
       .new_players_per_second = 1e9,
       .new_player_burst = 1e9,
       .speculations_per_second = 1e9,
       .speculation_burst = 1e9,
       .ask_model = [](const std::string&) -> Result<Speculation> {
         return Speculation{"", "**Sum**", "demo", false};
       },
       .challenges_per_second = 1e9,
       .challenge_burst = 1e9,
       .run_program = [](const std::vector<std::string>&, const std::function<bool()>&) -> Result<nlohmann::json> {
         return nlohmann::json::parse(R"({"n": 6, "parts": [{"role": "one", "m": 1}, {"role": "two", "m": 12}]})");
       }}));
};

TEST_F(ContractTest, EveryAnswerIsOneThatTheContractDescribes) {
  const std::size_t rounds = test::setting("SPEEDWINS_FUZZ_REQUESTS", 300);
  for (std::size_t i = 0; i < rounds && !HasFailure(); ++i) {
    for (const auto& [path, operations] : contract["paths"].items()) {
      if (!path.starts_with("/api/game/")) continue;
      for (const auto& [method, operation] : operations.items())
        if (method != "parameters" && !HasFailure()) check(path, method, operation);
    }
    if (random() % 50 == 0) cookie = random() % 2 ? "" : test::broken(cookie, random);
  }
  const ApiResponse session = api->handle({.method = "GET", .path = "/session", .client = "127.0.0.1"});
  EXPECT_EQ(session.status, 200);
}

}  // namespace
}  // namespace sw::game
