#include "game/challenge.hpp"

#include <gtest/gtest.h>

#include "small_content.hpp"

namespace sw::game {
namespace {

using nlohmann::json;

const Challenge& of(const Content& content, const char* id) {
  return *content[at(content, id)].challenge;
}

TEST(Challenges, read_numbers_by_a_pointer_that_may_choose_from_lists) {
  const json document =
      json::parse(R"({"a": {"b": 2.5}, "ops": [{"op": "x", "ms": 1}, {"op": "y = z", "ms": 3}], "s": "t"})");
  EXPECT_EQ(*number_at(document, "/a/b"), 2.5);
  EXPECT_EQ(*number_at(document, "/ops/op=x/ms"), 1);
  EXPECT_EQ(*number_at(document, "/ops/op=y = z/ms"), 3);
  for (const char* nowhere : {"/a", "/a/c", "/a/b/c", "/s", "/ops/0/ms", "/ops/op=q/ms", "/", "/a/b/"})
    EXPECT_FALSE(number_at(document, nowhere)) << nowhere;
}

TEST(Challenges, divide_what_two_runs_print) {
  const Content content = alphabet().load();
  const RunProgram run = [](const std::vector<std::string>& arguments) -> Result<json> {
    if (arguments.front() == "inspect") return json{{"n", 6}};
    return json{{"parts", {{{"role", "two"}, {"m", 4}}}}};
  };
  EXPECT_EQ(*measure(of(content, "abc"), run), 15);  // 6 / 4 · 10
  EXPECT_EQ(*measure(of(content, "b"), run), 6);
  EXPECT_FALSE(measure(of(content, "abc"), [](const auto&) -> Result<json> {
    return json{{"n", 6}, {"parts", {{{"role", "two"}, {"m", 0}}}}};
  }));
  EXPECT_EQ(measure(of(content, "b"), [](const auto&) -> Result<json> { return fail("it was stopped"); }).error().what,
            "it was stopped");
}

TEST(Challenges, run_a_program_once_where_both_numbers_come_from_it) {
  Challenge both;
  both.value = {{"inspect"}, "/a"};
  both.per = Reading{{"inspect"}, "/b"};
  int runs = 0;
  EXPECT_EQ(*measure(both, [&](const auto&) -> Result<json> { return ++runs, json{{"a", 6}, {"b", 2}}; }), 3);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(command_lines(both), (std::vector<std::string>{"speedwins inspect"}));
}

TEST(Challenges, allow_for_the_slack_at_the_edges) {
  const Content content = alphabet().load();
  const Challenge& choices = of(content, "abc");  // below 2, below 20, more; a tenth of slack
  EXPECT_TRUE(foretold(choices, 0, -5));
  EXPECT_TRUE(foretold(choices, 0, 2.19));
  EXPECT_FALSE(foretold(choices, 0, 2.21));
  EXPECT_TRUE(foretold(choices, 1, 1.82));
  EXPECT_FALSE(foretold(choices, 1, 1.81));
  EXPECT_TRUE(foretold(choices, 2, 1e12));
  EXPECT_EQ(band_of(choices, 1.99), 0u);
  EXPECT_EQ(band_of(choices, 2), 1u);
  EXPECT_EQ(band_of(choices, 20), 2u);
  const Challenge& number = of(content, "b");  // a twentieth of slack
  EXPECT_TRUE(foretold(number, 6.3, 6));
  EXPECT_FALSE(foretold(number, 6.31, 6));
  EXPECT_TRUE(foretold(number, 5.7, 6));
}

TEST(Challenges, write_numbers_as_people_do) {
  EXPECT_EQ(number_text(1704.3), "1,704");
  EXPECT_EQ(number_text(1234567), "1,234,567");
  EXPECT_EQ(number_text(-1234), "-1,234");
  EXPECT_EQ(number_text(512), "512");
  EXPECT_EQ(number_text(8.5159), "8.52");
  EXPECT_EQ(number_text(15.99), "16.0");
  EXPECT_EQ(number_text(0.0312), "0.031");
  EXPECT_EQ(number_text(0), "0");
}

}  // namespace
}  // namespace sw::game
