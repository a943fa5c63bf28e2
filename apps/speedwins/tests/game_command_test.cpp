#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "run_program.hpp"

// Plays the game as a script would. Each game is in a file of its own, or in none.

namespace sw {
namespace {

using nlohmann::json;

/// `speedwins game ARGUMENTS` with `lines` on its standard input.
Finished game(const std::string& arguments, const std::string& lines = "") {
  return speedwins("game " + arguments, lines);
}

json script(const std::string& lines, const std::string& arguments = "") {
  const Finished played = game("--script - --json " + arguments, lines);
  EXPECT_EQ(played.exit_code, 0) << played.out;
  return json::parse(played.out);  // fails unless stdout is exactly one document
}

/// The lines that discover everything, from the printed graph.
std::string lines_to_everything(const json& printed) {
  std::set<std::string> known;
  for (const json& id : printed["start"]) known.insert(id);
  std::string lines;
  for (bool more = true; more;) {
    more = false;
    for (const json& concept_ : printed["concepts"])
      for (const json& recipe : concept_["recipes"]) {
        bool possible = !known.contains(concept_["id"]);
        for (const json& part : recipe) possible = possible && known.contains(part);
        if (!possible) continue;
        std::string line;
        for (const std::string part : recipe) line += (line.empty() ? "" : " + ") + part;
        lines += line + '\n';
        known.insert(concept_["id"]);
        more = true;
      }
  }
  return lines;
}

/// Walks the printed graph without any of the game's own code.
TEST(GameCommand, prints_a_graph_in_which_everything_can_be_reached_from_three_concepts) {
  const json printed = json::parse(game("concepts --json").out);
  EXPECT_EQ(printed["start"].size(), 3u);
  std::set<std::string> known, all;
  for (const json& id : printed["start"]) known.insert(id);
  for (const json& concept_ : printed["concepts"]) {
    all.insert(concept_["id"]);
    for (const char* field : {"name", "category", "difficulty", "module", "prerequisites", "recipes", "papers"})
      EXPECT_TRUE(concept_.contains(field)) << concept_["id"] << ' ' << field;
  }
  EXPECT_GE(all.size(), 250u);
  for (bool more = true; more;) {
    more = false;
    for (const json& concept_ : printed["concepts"])
      for (const json& recipe : concept_["recipes"]) {
        bool possible = true;
        for (const json& part : recipe) possible = possible && known.contains(part);
        more = (possible && known.insert(concept_["id"]).second) || more;
      }
  }
  EXPECT_EQ(known, all);
}

TEST(GameCommand, a_script_is_played_and_told_in_one_document) {
  const json played = script("linear algebra + linear algebra\nlin + prob\n# a remark\n\nfly\nhint\nundo\n");
  ASSERT_EQ(played["turns"].size(), 5u);
  EXPECT_EQ(played["turns"][0]["ok"], false);
  EXPECT_EQ(played["turns"][1]["ok"], true);
  EXPECT_EQ(played["turns"][2]["ok"], false);
  EXPECT_EQ(played["turns"][3]["events"][0]["step"], 1);
  EXPECT_EQ(played["turns"][4]["ok"], false);  // a hint cannot be unseen
  EXPECT_EQ(played["state"]["moves"], 2);
}

TEST(GameCommand, games_in_a_file_go_on_where_they_ended) {
  const auto file =
      std::filesystem::temp_directory_path() / ("speedwins-game-store-" + std::to_string(::getpid()) + ".db");
  const std::string store = "--slot main --store '" + file.string() + "'";
  EXPECT_EQ(script("hint\nhint\n", store)["state"]["moves"], 2);
  EXPECT_EQ(script("hint\n", store)["state"]["moves"], 3);
  EXPECT_EQ(script("save copy\nload copy\nhint\n", store)["state"]["slot"], "copy");
  EXPECT_EQ(script("slots\n", store)["turns"][0]["slots"].size(), 2u);
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + ending);
}

TEST(GameCommand, a_pipe_plays_too_in_ascii_and_80_columns) {
  std::string lines;
  for (const char* line : {"help",
                           "hint",
                           "hint",
                           "hint",
                           "hint",
                           "linear algebra + probability",
                           "linear algebra",
                           "list",
                           "open",
                           "stats",
                           "trophies",
                           "paths",
                           "paths comp",
                           "quiz",
                           "tree",
                           "timeline",
                           "path flash attention",
                           "search matrix",
                           "share",
                           "nonsense",
                           "quit"})
    lines += std::string(line) + '\n';
  const Finished played = game("--ascii --store :memory:", lines);
  EXPECT_EQ(played.exit_code, 0);
  std::size_t column = 0;
  for (const char c : played.out) {
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
    column = c == '\n' ? 0 : column + 1;
    // Only a share code may be longer: it must stay one word.
    if (column > 80) {
      EXPECT_NE(played.out.find("SW1-"), std::string::npos);
    }
  }
  EXPECT_NE(played.out.find("Until next time"), std::string::npos);
}

TEST(GameCommand, a_share_code_and_an_export_begin_another_game) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("speedwins-game-" + std::to_string(::getpid()) + "-export");
  std::filesystem::create_directories(folder);
  const std::string file = (folder / "game.json").string();
  const json first = script("hint\nhint\nhint\nhint\nshare\nexport " + file + "\n");
  const std::string code = first["turns"][4]["code"];
  EXPECT_EQ(script("redeem " + code + "\n")["turns"][0]["ok"], true);
  EXPECT_EQ(script("redeem " + code.substr(0, 20) + "\n")["turns"][0]["ok"], false);
  EXPECT_EQ(script("import " + file + "\n")["state"]["moves"], 4);
  std::ofstream(file) << "{}";
  EXPECT_EQ(script("import " + file + "\n")["turns"][0]["ok"], false);
  std::filesystem::remove_all(folder);
}

TEST(GameCommand, wrong_use_is_told) {
  EXPECT_EQ(game("--script /nowhere/moves.txt --json").exit_code, 1);
  EXPECT_EQ(game("--width 7").exit_code, 2);
  EXPECT_EQ(game("--slot '../x' --store :memory:").exit_code, 1);
  EXPECT_EQ(game("--json --store :memory:").exit_code, 1);
  EXPECT_EQ(game("--script - --store /nowhere/game.db").exit_code, 1);
}

/// Everything is found, then every challenge is measured, by the program itself on the demo model. What is asked for as
/// a number, and which choice counting leads to, is worked out by hand from the model's shape: 6 layers of width 256, 8
/// heads and 4 key-value heads of size 32, feed-forward parts of 640, 3,072 tokens, Q8_0.
TEST(GameCommand, every_challenge_is_measured_and_what_can_be_calculated_is_right) {
  const json printed = json::parse(game("concepts --json").out);
  const std::map<std::string, std::string> by_hand{{"kv_cache", "1,704"},        {"q8_0", "8.5"},
                                                   {"layer_ratio", "512"},       {"recurrent_networks", "16"},
                                                   {"parameter_sharing", "16"},  {"arithmetic_intensity", "1"},
                                                   {"attention_mechanism", "2"}, {"gemv", "3"},
                                                   {"routing_mechanisms", "2"},  {"masked_diffusion", "1"}};
  std::string lines = lines_to_everything(printed);
  std::vector<std::string> measured;
  for (const json& concept_ : printed["concepts"]) {
    if (concept_["challenge"].is_null()) continue;
    const std::string id = concept_["id"];
    measured.push_back(id);
    lines += "measure " + id + " = " + (by_hand.contains(id) ? by_hand.at(id) : "1") + '\n';
  }
  const json played = script(lines);
  ASSERT_GE(measured.size(), 11u);
  const std::size_t first = played["turns"].size() - measured.size();
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const json& turn = played["turns"][first + i];
    ASSERT_EQ(turn["ok"], true) << turn;
    const json& told = turn["events"][0];
    EXPECT_EQ(told["type"], "measured") << turn;
    EXPECT_EQ(told["concept"], measured[i]);
    EXPECT_GT(told["measured"], 0) << turn;
    EXPECT_TRUE(told["right"] == true || !by_hand.contains(measured[i])) << turn;
  }
  EXPECT_EQ(played["state"]["challenges"].size(), measured.size());
}

TEST(GameCommand, a_challenge_asks_and_takes_the_next_line_as_its_answer) {
  const json played = script("measure linear algebra\nmeasure\nmeasure kv cache\n");
  EXPECT_EQ(played["turns"][0]["ok"], false);
  EXPECT_EQ(played["turns"][1]["open"], json::array());
  EXPECT_EQ(played["turns"][2]["ok"], false);  // not found yet
  const json printed = json::parse(game("concepts --json").out);
  const json asked = script(lines_to_everything(printed) +
                            "measure q8_0\n9.5\nmeasure q8_0\nundo\n8.5\nmeasure routing mechanisms\n4\n2\n");
  const std::size_t n = asked["turns"].size();
  const auto turn = [&](std::size_t i) { return asked["turns"][n - 8 + i]; };
  EXPECT_EQ(turn(0)["challenge"]["choices"], json::array());
  EXPECT_EQ(turn(1)["events"][0]["right"], false);
  EXPECT_EQ(turn(4)["ok"], false);  // another command came between: 8.5 is no answer any more
  EXPECT_EQ(turn(5)["challenge"]["choices"].size(), 3u);
  EXPECT_EQ(turn(6)["ok"], false);  // there is no fourth choice; the question stays
  EXPECT_EQ(turn(7)["events"][0]["right"], true);
}

TEST(GameCommand, curves_of_players_are_numbers_too) {
  const json plot = json::parse(game("plot --attempts 50 --seeds 3 --json").out);
  ASSERT_EQ(plot["policies"].size(), 4u);
  for (const json& policy : plot["policies"]) {
    ASSERT_EQ(policy["median"].size(), 51u);
    EXPECT_EQ(policy["median"][0], 3);
  }
  EXPECT_EQ(plot["policies"][3]["median"][50], 53);  // an expert finds something each time
}

}  // namespace
}  // namespace sw
