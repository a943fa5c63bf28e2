#include "game/api.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "game/player_cookie.hpp"
#include "game/rate_limit.hpp"
#include "small_content.hpp"

namespace sw::game {
namespace {

using nlohmann::json;

class ApiTest : public ::testing::Test {
 protected:
  const Content content = alphabet().load();
  std::unique_ptr<Store> store = std::move(*Store::open(std::move(*open_sqlite(":memory:"))));
  int asked = 0;
  std::string answer = "**Quick Sum**\nAdds faster.\x1b[2J";  ///< of the sandbox's model
  std::vector<std::string> run;                               ///< what challenges ran
  std::string measures = R"({"n": 6, "parts": [{"role": "one", "m": 1}, {"role": "two", "m": 12}]})";
  std::unique_ptr<Api> api =
      std::move(*Api::create(content, documents, *store,
                             {.requests_per_second = 1000,
                              .burst = 1000,
                              .new_players_per_second = 0.001,
                              .new_player_burst = 3,
                              .speculations_per_second = 0.001,
                              .speculation_burst = 3,
                              .clock = [] { return std::int64_t{1000}; },
                              .ask_model = [this](const std::string&) -> Result<Speculation> {
                                ++asked;
                                return Speculation{"", answer, "demo", false};
                              },
                              .challenges_per_second = 0.001,
                              .challenge_burst = 3,
                              .run_program = [this](const std::vector<std::string>& arguments,
                                                    const std::function<bool()>& gone) -> Result<json> {
                                run.push_back(arguments.front());
                                if (gone && gone()) return fail("it was stopped");
                                return json::parse(measures);
                              }}));
  static constexpr ContentFile documents[] = {{"documents/guide.md", "# The Guide\n\nText."}};
  std::string cookie;

  struct Seen {
    int status;
    json body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string header(std::string_view name) const {
      for (const auto& [key, value] : headers)
        if (key == name) return value;
      return {};
    }
  };
  Seen ask(ApiRequest request) {
    request.cookie = cookie;
    request.client = "127.0.0.1";
    const ApiResponse response = api->handle(request);
    Seen seen{response.status, response.body.empty() ? json() : json::parse(response.body), response.headers};
    if (const std::string set = seen.header("Set-Cookie"); !set.empty())
      cookie = set.substr(set.find('=') + 1, set.find(';') - set.find('=') - 1);
    return seen;
  }
  Seen get(std::string_view path, std::vector<std::pair<std::string_view, std::string_view>> query = {}) {
    return ask({.method = "GET", .path = path, .query = std::move(query)});
  }
  Seen post(std::string_view path, const json& body) {
    const std::string text = body.dump();
    return ask({.method = "POST", .path = path, .body = text});
  }
};

TEST_F(ApiTest, a_first_answer_sets_a_signed_cookie_and_later_ones_do_not) {
  const Seen first = get("/session");
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.header("Set-Cookie").find("HttpOnly; SameSite=Lax"), std::string::npos);
  EXPECT_EQ(first.body["content"]["concepts"], 7);
  EXPECT_EQ(get("/session").header("Set-Cookie"), "");
}

TEST_F(ApiTest, a_cookie_that_was_tampered_with_is_a_stranger) {
  get("/session");
  ASSERT_EQ(post("/combine", {{"ingredients", {"a", "b"}}}).status, 200);
  const std::string mine = cookie;
  cookie[0] = cookie[0] == '0' ? '1' : '0';
  EXPECT_EQ(get("/state").body["moves"], 0);
  EXPECT_NE(cookie, mine);
  cookie = mine;
  EXPECT_EQ(get("/state").body["moves"], 1);
}

TEST_F(ApiTest, combining_tells_what_came_of_it) {
  const Seen seen = post("/combine", {{"ingredients", {"a", "b"}}, {"prediction", "ab"}, {"move", 0}});
  ASSERT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body["outcome"], "discovered");
  EXPECT_EQ(seen.body["moves"], 1);
  EXPECT_EQ(seen.body["events"][0]["type"], "prediction");
  EXPECT_EQ(seen.body["events"][1]["why"], "a and b works.");
  EXPECT_EQ(seen.body["summary"]["found"], 4);
  EXPECT_EQ(post("/combine", {{"ingredients", {"a", "b"}}, {"prediction", "ab"}, {"move", 0}}).body["repeated"], true);
  EXPECT_EQ(post("/combine", {{"ingredients", {"a", "c"}}}).body["outcome"], "misconception");
  EXPECT_EQ(post("/combine", {{"ingredients", {"ab", "a"}}}).body["events"][0]["open"]["a"], 1);
}

TEST_F(ApiTest, errors_say_which_kind_they_are) {
  get("/session");
  const auto expect = [&](const Seen& seen, int status, const char* code) {
    EXPECT_EQ(seen.status, status) << seen.body;
    EXPECT_EQ(seen.body["error"]["code"], code) << seen.body;
    EXPECT_FALSE(seen.body["error"]["what"].get<std::string>().empty());
  };
  expect(post("/combine", {{"ingredients", {"a", "nowhere"}}}), 400, "bad_request");
  expect(post("/combine", {{"ingredients", "a"}}), 400, "bad_request");
  expect(post("/combine", {{"ingredients", {"abc", "bc"}}}), 422, "rejected");
  expect(post("/combine", {{"ingredients", {"a", "b"}}, {"move", 3}}), 409, "conflict");
  expect(post("/combine", {{"ingredients", {"a", "b"}}, {"move", -1}}), 400, "bad_request");
  expect(post("/combine", {{"ingredients", {"a", "b"}}, {"slot", "../x"}}), 400, "bad_request");
  expect(post("/combine", {{"padding", std::string(5000, 'x')}}), 413, "too_large");
  expect(post("/load", {{"save", {{"format", "speedwins-game"}}}}), 422, "rejected");
  expect(post("/load", json::object()), 400, "bad_request");
  expect(get("/combine"), 405, "method");
  expect(post("/state", json::object()), 405, "method");
  expect(get("/nothing"), 404, "not_found");
  expect(get("/concepts/nowhere"), 404, "not_found");
  expect(get("/concepts/top"), 403, "undiscovered");
  expect(get("/documents/nowhere"), 404, "not_found");
  expect(ask({.method = "POST", .path = "/combine", .body = "{\"a\""}), 400, "bad_request");
  expect(ask({.method = "POST", .path = "/combine", .body = "[]"}), 400, "bad_request");
  EXPECT_EQ(get("/state").body["moves"], 0);
}

TEST_F(ApiTest, a_card_shows_the_ways_found_and_counts_the_hidden_ones) {
  post("/combine", {{"ingredients", {"a", "b", "c"}}});
  const Seen seen = get("/concepts/abc");
  ASSERT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body["made_by"].size(), 1u);
  EXPECT_EQ(seen.body["hidden_ways"], 1);
  EXPECT_EQ(seen.body["hidden_uses"], 1);
  EXPECT_EQ(seen.body["experiment"], "lab_abc");
  EXPECT_EQ(seen.body["found"]["from"], (json{"a", "b", "c"}));
}

TEST_F(ApiTest, lists_hide_what_was_not_found) {
  const Seen seen = get("/concepts", {{"category", "later"}});
  EXPECT_TRUE(seen.body["concepts"].empty());
  int hidden = 0;
  for (const json& group : seen.body["hidden"]) hidden += group["count"].get<int>();
  EXPECT_EQ(hidden, 3);
  EXPECT_EQ(get("/concepts", {{"difficulty", "1"}}).body["concepts"].size(), 3u);
  EXPECT_EQ(get("/concepts", {{"difficulty", "many"}}).status, 400);
  EXPECT_EQ(get("/search", {{"q", "concept"}}).body["results"].size(), 3u);
  EXPECT_EQ(get("/path", {{"target", "top"}}).body["steps"].size(), 3u);
}

TEST_F(ApiTest, hints_checks_and_undo_are_moves) {
  EXPECT_EQ(post("/hint", json::object()).body["hint"]["step"], 1);
  EXPECT_EQ(post("/hint", {{"target", "top"}}).body["hint"]["of"], 4);
  EXPECT_EQ(post("/quiz", {{"scope", "module:1"}}).status, 422);
  post("/combine", {{"ingredients", {"a", "b"}}});
  EXPECT_EQ(post("/undo", json::object()).body["events"][0]["id"], "ab");
  post("/combine", {{"ingredients", {"a", "b"}}});
  Seen quiz = post("/quiz", {{"scope", "chapter:short:0"}});
  ASSERT_EQ(quiz.status, 200) << quiz.body;
  EXPECT_EQ(quiz.body["quiz"]["question"]["choices"].size(), 4u);
  for (int i = 0; i < 5; ++i) quiz = post("/quiz/answer", {{"choice", 0}});
  EXPECT_TRUE(quiz.body["quiz"].is_null());
  EXPECT_EQ(get("/statistics").body["answers"]["of"], 5);
  EXPECT_EQ(post("/quiz", {{"scope", "concept:ab"}}).body["quiz"]["scope"], "concept:ab");
  EXPECT_EQ(post("/quiz", {{"scope", "concept:none"}}).status, 400);
  EXPECT_EQ(post("/predict", {{"ingredients", {"b", "c"}}}).body["choices"].size(), 3u);
}

TEST_F(ApiTest, a_challenge_is_measured_by_the_server_and_becomes_a_move) {
  EXPECT_EQ(get("/session").body["experiments"], true);
  EXPECT_EQ(post("/challenge", {{"concept", "abc"}, {"prediction", 1}}).status, 422);  // not found yet
  post("/combine", {{"ingredients", {"a", "b", "c"}}});
  EXPECT_EQ(get("/concepts/abc").body["challenge"]["choices"], (json{"few", "some", "many"}));
  EXPECT_EQ(post("/challenge", {{"concept", "abc"}, {"prediction", 7}}).status, 422);
  EXPECT_EQ(post("/challenge", {{"concept", "a"}, {"prediction", 0}}).status, 422);
  EXPECT_EQ(post("/challenge", {{"concept", "abc"}, {"prediction", "1"}}).status, 400);
  EXPECT_EQ(post("/challenge", {{"concept", "abc"}}).status, 400);
  EXPECT_TRUE(run.empty());  // nothing is run for a prediction that cannot be right
  // A client that says what was measured is not believed.
  const Seen seen = post("/challenge", {{"concept", "abc"}, {"prediction", 1}, {"measured", 1e9}});
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(run, (std::vector<std::string>{"inspect", "bench"}));
  const json& told = seen.body["events"][0];
  EXPECT_EQ(told["type"], "measured");
  EXPECT_EQ(told["measured"], 5);  // 6 / 12 · 10
  EXPECT_EQ(told["text"], "5×");
  EXPECT_EQ(told["band"], 1);
  EXPECT_EQ(told["right"], true);
  EXPECT_EQ(get("/state").body["challenges"][0]["concept"], "abc");
  EXPECT_EQ(get("/statistics").body["challenges"], (json{{"right", 1}, {"of", 1}}));
  EXPECT_EQ(get("/export").body["moves"][1]["type"], "challenge");
  EXPECT_EQ(post("/load", {{"save", get("/export").body}, {"slot", "two"}}).body["state"]["challenges"].size(), 1u);
}

TEST_F(ApiTest, a_measurement_that_fails_or_is_given_up_is_no_move) {
  measures = R"({"n": "six"})";
  const Seen failed = post("/challenge", {{"concept", "b"}, {"prediction", 6}});
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body["error"]["what"], "there is no number at /n");
  const std::string body = json{{"concept", "b"}, {"prediction", 6}}.dump();
  EXPECT_EQ(ask({.method = "POST", .path = "/challenge", .body = body, .gone = [] { return true; }}).status, 500);
  EXPECT_EQ(get("/state").body["moves"], 0);
  measures = R"({"n": 6})";
  EXPECT_EQ(ask({.method = "POST", .path = "/challenge", .body = body}).status, 200);
  EXPECT_EQ(ask({.method = "POST", .path = "/challenge", .body = body}).status, 429);  // a fourth within a second
}

TEST_F(ApiTest, a_server_that_measures_nothing_says_so) {
  api = std::move(*Api::create(content, documents, *store, {}));
  EXPECT_EQ(get("/session").body["experiments"], false);
  EXPECT_EQ(post("/challenge", {{"concept", "b"}, {"prediction", 6}}).status, 404);
}

TEST_F(ApiTest, saves_go_out_and_come_back_into_another_slot) {
  post("/combine", {{"ingredients", {"a", "b"}}});
  const json save = get("/export").body;
  EXPECT_EQ(post("/load", {{"save", save}, {"slot", "two"}}).body["state"]["moves"], 1);
  json forged = save;
  forged["discovered"].push_back("top");
  EXPECT_EQ(post("/load", {{"save", forged}, {"slot", "two"}}).status, 422);
  EXPECT_EQ(get("/state", {{"slot", "two"}}).body["discovered"].size(), 4u);
  const std::string code = get("/share").body["code"];
  EXPECT_EQ(post("/load", {{"code", code}, {"slot", "three"}}).body["state"]["discovered"].size(), 4u);
  EXPECT_EQ(post("/save", {{"as", "four"}}).body["slots"].size(), 4u);
  EXPECT_EQ(post("/delete", {{"slot", "four"}}).body["slots"].size(), 3u);
  EXPECT_EQ(post("/reset", json::object()).body["state"]["moves"], 0);
  const json merged = post("/merge", {{"moves", save["moves"]}}).body;
  EXPECT_EQ(merged["played"], 1);
  EXPECT_EQ(merged["state"]["discovered"].size(), 4u);
}

TEST_F(ApiTest, content_is_sent_once) {
  const Seen first = get("/content");
  EXPECT_EQ(first.body["concepts"].size(), 7u);
  EXPECT_EQ(first.body["concepts"][0]["recipes"].size() + first.body["concepts"][3]["recipes"].size(), 1u);
  const std::string tag = first.header("ETag");
  EXPECT_EQ(ask({.method = "GET", .path = "/content", .if_none_match = tag}).status, 304);
}

TEST_F(ApiTest, documents_are_listed_and_sent) {
  EXPECT_EQ(get("/documents").body["documents"][0]["title"], "The Guide");
  EXPECT_EQ(get("/documents/guide").body["markdown"], "# The Guide\n\nText.");
}

TEST_F(ApiTest, too_many_new_players_from_one_client_are_held_back) {
  for (int i = 0; i < 3; ++i) {
    cookie.clear();
    EXPECT_EQ(get("/session").status, 200);
  }
  cookie.clear();
  const Seen seen = get("/session");
  EXPECT_EQ(seen.status, 429);
  EXPECT_EQ(seen.header("Retry-After"), "1");
}

TEST_F(ApiTest, the_sandbox_asks_once_for_all_players_and_is_labelled) {
  post("/combine", {{"ingredients", {"a", "b"}}});
  const json body{{"ingredients", {"ab", "a"}}};
  const Seen first = post("/speculate", body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.body["name"], "Quick Sum");
  EXPECT_EQ(first.body["text"], "Adds faster. [2J");
  EXPECT_EQ(first.body["speculation"], true);
  EXPECT_EQ(post("/speculate", body).body["cached"], true);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(post("/speculate", {{"ingredients", {"a", "b"}}}).status, 422);    // has a real answer
  EXPECT_EQ(post("/speculate", {{"ingredients", {"a", "top"}}}).status, 403);  // not found yet
}

TEST_F(ApiTest, the_sandbox_keeps_what_a_model_says_without_a_name_but_not_that_it_says_nothing) {
  post("/combine", {{"ingredients", {"a", "b"}}});
  const json body{{"ingredients", {"ab", "a"}}};
  answer = " \n\x01";
  EXPECT_EQ(post("/speculate", body).status, 500);
  answer = "One sentence and no name.";
  const Seen seen = post("/speculate", body);
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(seen.body["name"], "");
  EXPECT_EQ(seen.body["text"], "One sentence and no name.");
}

TEST_F(ApiTest, the_sandbox_asks_a_player_to_wait_but_not_for_what_is_known) {
  post("/combine", {{"ingredients", {"a", "b"}}});
  const auto ask_of = [&](const char* other) { return post("/speculate", {{"ingredients", {"ab", other}}}); };
  answer = "";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask_of("a").status, 500);
  answer = "Something.";
  EXPECT_EQ(ask_of("a").status, 200);
  const Seen seen = ask_of("b");
  EXPECT_EQ(seen.status, 429);
  EXPECT_EQ(seen.header("Retry-After"), "10");
  EXPECT_EQ(ask_of("a").status, 200);
}

TEST(PlayerCookies, hold_only_for_their_key_and_their_player) {
  const PlayerCookie cookies("key"), others("another key");
  const std::string id = *random_id();
  ASSERT_EQ(id.size(), 32u);
  EXPECT_EQ(cookies.verify(cookies.sign(id)), id);
  EXPECT_EQ(others.verify(cookies.sign(id)), std::nullopt);
  const std::string other = *random_id();
  EXPECT_EQ(cookies.verify(other + cookies.sign(id).substr(32)), std::nullopt);
  for (const char* wrong : {"", ".", "abc", "abc.def"}) EXPECT_EQ(cookies.verify(wrong), std::nullopt);
}

/// HMAC-SHA256 as OpenSSL's command line computes it:
/// printf 'speedwins-player:00112233445566778899aabbccddeeff' | openssl dgst -sha256 -hmac key
TEST(PlayerCookies, are_hmac_sha256) {
  const std::string id = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(PlayerCookie("key").sign(id), id + ".1977e8b768bee10440645174c6a8ea674a0d039adcea9aad9c42870a196a224d");
}

TEST(RateLimits, allow_a_burst_and_then_a_rate_per_client) {
  RateLimit limit(2, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.allow("a", 10));
  EXPECT_FALSE(limit.allow("a", 10));
  EXPECT_TRUE(limit.allow("b", 10));
  EXPECT_FALSE(limit.allow("a", 10.4));
  EXPECT_TRUE(limit.allow("a", 10.5));
}

}  // namespace
}  // namespace sw::game
