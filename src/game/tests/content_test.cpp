#include "game/content.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "game/embedded_content.hpp"
#include "game/validate.hpp"
#include "small_content.hpp"

namespace sw::game {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto place = text.find(what);
  EXPECT_NE(place, std::string::npos) << what;
  return text.replace(place, what.size(), with);
}

Error error_of(const SmallContent& content) {
  const auto loaded = parse_content(content.files());
  return loaded ? Error{} : loaded.error();
}

/// What validate() says of small content, without its amounts.
std::string findings(const SmallContent& content) {
  std::string out;
  for (const std::string& finding : validate(content.load(), {0, 0, 0, 0})) out += finding + '\n';
  return out;
}

TEST(Content, holds_what_its_files_say) {
  const Content content = alphabet().load();
  ASSERT_EQ(content.size(), 7u);
  EXPECT_EQ(content.start.size(), 3u);
  const Concept& abc = content[at(content, "abc")];
  EXPECT_EQ(abc.name, "Concept abc");
  EXPECT_EQ(abc.module, 1);
  EXPECT_EQ(abc.difficulty, 3);
  EXPECT_EQ(abc.experiment, "lab_abc");
  EXPECT_EQ(content.categories[abc.category].id, "later");
  ASSERT_EQ(abc.recipes.size(), 2u);
  EXPECT_EQ(abc.recipes[0].because, "ab and c works.");
  EXPECT_EQ(content.misconceptions[0].pair, mix(content, {"a", "c"}));
  EXPECT_EQ(content.misconceptions[0].see, at(content, "b"));
  EXPECT_EQ(content.paths[0].chapters[1].concepts, (std::vector{at(content, "bc"), at(content, "abc")}));
  EXPECT_EQ(content.achievements[1].kind, Statistic::in_category);
  EXPECT_EQ(content.fingerprint.size(), 16u);
}

TEST(Content, has_another_fingerprint_when_a_letter_changes) {
  SmallContent changed = alphabet();
  changed.concepts(1) = replaced(changed.concepts(1), "What a is.", "What a was.");
  EXPECT_NE(changed.load().fingerprint, alphabet().load().fingerprint);
}

TEST(Content, broken_files_are_refused_with_the_place_and_the_reason) {
  const struct {
    const char *what, *with, *says;
  } breaks[] = {{"id = \"b\"", "id = \"B!\"", "characters"},
                {"id = \"b\"", "id = \"a\"", "twice"},
                {"name = \"Concept b\"", "name = 7", "'name'"},
                {"difficulty = 1", "difficulty = 6", "'difficulty'"},
                {"module = 0", "module = 11", "'module'"},
                {"what = \"What a is.\"\n", "", "'what' is missing"},
                {"What a is.", "What \\u001b[2J is.", "control character"},
                {"[\"a\", \"b\"]", "[\"a\", \"nowhere\"]", "'nowhere'"},
                {"[\"a\", \"b\"]", "[\"a\"]", "recipe of 1"},
                {"[\"a\", \"b\"]", "\"a\"", "no list"},
                {"category = \"later\"", "category = \"never\"", "'never'"},
                {"[[concept]]", "[[concept", "concepts/later.toml, line 2"}};
  for (const auto& [what, with, says] : breaks) {
    SmallContent content = alphabet();
    std::string& file = content.concepts(0).find(what) != std::string::npos ? content.concepts(0) : content.concepts(1);
    file = replaced(file, what, with);
    const Error error = error_of(content);
    EXPECT_NE(error.message().find(says), std::string::npos) << what << " → " << with << ": " << error.message();
    EXPECT_FALSE(error.where.empty()) << what;
  }
}

TEST(Content, references_of_other_files_are_checked) {
  SmallContent content = alphabet();
  content.misconceptions = replaced(content.misconceptions, "see = \"b\"", "see = \"q\"");
  EXPECT_EQ(error_of(content).what, "there is no concept 'q'");
  content = alphabet();
  content.paths = replaced(content.paths, "\"ab\"", "\"zz\"");
  EXPECT_EQ(error_of(content).what, "there is no concept 'zz'");
  content = alphabet();
  content.achievements = replaced(content.achievements, "kind = \"attempts\"", "kind = \"luck\"");
  EXPECT_EQ(error_of(content).what, "there is no statistic 'luck'");
}

TEST(Content, challenges_that_could_not_be_judged_or_would_write_are_refused) {
  const struct {
    const char *what, *with, *says;
  } breaks[] = {{"\"abc\"", "\"nowhere\"", "'nowhere'"},
                {"\"b\"", "\"abc\"", "has a challenge already"},
                {"[\"inspect\", \"demo\"]", "[\"serve\", \"demo\"]", "none that measures"},
                {"[\"inspect\", \"demo\"]", "[]", "none that measures"},
                {"[\"inspect\", \"demo\"]", "[\"bench\", \"demo\", \"--html\", \"x\"]", "'--html'"},
                {"[\"inspect\", \"demo\"]", "[\"bench\", \"../secret\"]", "'../secret'"},
                {"[\"inspect\", \"demo\"]", "[\"bench\", \"demo; rm\"]", "'demo; rm'"},
                {"\"/n\"", "\"n\"", "JSON pointer"},
                {"below = 20.0", "below = 2", "do not share"},
                {", { says = \"many\" }", "", "do not share"},
                {"slack = 0.05\n", "", "'slack' is missing"},
                {"seconds = 1", "seconds = 0", "'seconds'"}};
  for (const auto& [what, with, says] : breaks) {
    SmallContent content = alphabet();
    content.challenges = replaced(content.challenges, what, with);
    const Error error = error_of(content);
    EXPECT_NE(error.message().find(says), std::string::npos) << what << " → " << with << ": " << error.message();
  }
}

TEST(Validate, finds_modules_without_a_challenge) {
  const auto found = validate(alphabet().load(), {0, 0, 0, 1});
  EXPECT_NE(std::ranges::find(found, "0 challenges in module 2, at least 1 wanted"), found.end());
  EXPECT_EQ(std::ranges::find(found, "0 challenges in module 1, at least 1 wanted"), found.end());
}

TEST(Validate, finds_nothing_wrong_but_the_missing_prerequisites_of_small_content) {
  std::string rest = findings(alphabet());
  for (const char* id : {"ab", "bc", "abc", "top"})
    rest = replaced(rest, std::string(id) + ": it has no prerequisites\n", "");
  EXPECT_EQ(rest, "");
}

TEST(Validate, finds_what_cannot_be_reached) {
  SmallContent content(
      {{.id = "a"}, {.id = "b"}, {.id = "x", .recipes = {{"y", "a"}}}, {.id = "y", .recipes = {{"x", "b"}}}});
  const std::string found = findings(content);
  EXPECT_NE(found.find("x: it cannot be reached"), std::string::npos) << found;
  EXPECT_NE(found.find("y: it cannot be reached"), std::string::npos) << found;
}

TEST(Validate, finds_clashes_locks_orphans_and_cliffs) {
  SmallContent content({{.id = "a"},
                        {.id = "b"},
                        {.id = "x", .recipes = {{"a", "b"}}},
                        {.id = "y", .recipes = {{"b", "a"}, {"y", "a"}}},
                        {.id = "hard", .recipes = {{"x", "a"}}, .difficulty = 5},
                        {.id = "easy", .recipes = {{"hard", "a"}}, .difficulty = 1}});
  const std::string found = findings(content);
  for (const char* says : {"a + b yields both x and y", "y: a + y contains it", "y: locked, a + y needs y itself",
                           "easy: an orphan", "easy (1): a + hard is much harder (5)", "easy (1): each of its pairs"})
    EXPECT_NE(found.find(says), std::string::npos) << says << " in\n" << found;
}

TEST(Validate, finds_misconceptions_that_are_recipes_and_paths_in_the_wrong_order) {
  SmallContent content = alphabet();
  content.misconceptions = replaced(content.misconceptions, "[\"c\", \"a\"]", "[\"b\", \"a\"]");
  content.concepts(0) = replaced(content.concepts(0), "prerequisites = []", "prerequisites = [\"abc\"]");
  const std::string found = findings(content);
  EXPECT_NE(found.find("the misconception a + b is a recipe"), std::string::npos) << found;
  EXPECT_NE(found.find("path short: abc comes after bc"), std::string::npos) << found;
}

TEST(Validate, counts) {
  EXPECT_NE(findings(alphabet()).find("prerequisites"), std::string::npos);
  const auto found = validate(alphabet().load(), {8, 5, 2});
  EXPECT_NE(std::ranges::find(found, "7 concepts, at least 8 wanted"), found.end());
  EXPECT_NE(std::ranges::find(found, "4 pairs, at least 5 wanted"), found.end());
  EXPECT_NE(std::ranges::find(found, "1 misconceptions, at least 2 wanted"), found.end());
}

TEST(RealContent, is_a_game_that_can_be_played_to_its_end) {
  const auto content = parse_content(embedded_content());
  ASSERT_TRUE(content) << content.error().message();
  for (const std::string& finding : validate(*content)) ADD_FAILURE() << finding;
  std::vector<std::string> start;
  for (const ConceptIndex idea : content->start) start.push_back(content->concepts[idea].id);
  std::ranges::sort(start);
  EXPECT_EQ(start, (std::vector<std::string>{"calculus", "linear_algebra", "probability"}));
}

/// The data that the game began from names 76 concepts and 48 more as prerequisites and goals.
TEST(RealContent, has_every_concept_that_the_seed_names) {
  std::ifstream file(SPEEDWINS_SHARED_DIR "/data/seed_concepts.json");
  if (!file) GTEST_SKIP() << "no seed_concepts.json: nothing to compare with";
  const auto content = parse_content(embedded_content());
  ASSERT_TRUE(content) << content.error().message();
  std::set<std::string> known;
  for (const Concept& c : content->concepts) {
    known.insert(c.id);
    known.insert(c.seed_ids.begin(), c.seed_ids.end());
  }
  const auto seed = nlohmann::json::parse(file);
  for (const auto& [id, fields] : seed["concepts"].items()) {
    EXPECT_TRUE(known.contains(id)) << id;
    for (const char* field : {"prerequisites", "leads_to"})
      for (const std::string other : fields[field]) EXPECT_TRUE(known.contains(other)) << other;
  }
}

}  // namespace
}  // namespace sw::game
