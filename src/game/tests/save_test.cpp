#include "game/save.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "small_content.hpp"

namespace sw::game {
namespace {

class Saves : public ::testing::Test {
 protected:
  const Content content = alphabet().load();
  Record record{42, {}};
  State state = new_game(content, 42);
  nlohmann::json save;

  void SetUp() override {
    play(Combine{mix(content, {"a", "b"}), {}});
    play(AskHint{});
    play(Combine{mix(content, {"b", "c"}), {}});
    play(Undo{});
    play(Combine{mix(content, {"ab", "c"}), {}});
    save = nlohmann::json::parse(export_save(content, record, state));
  }
  void play(Action action) {
    record.moves.push_back({std::move(action), 1000 + static_cast<std::int64_t>(record.moves.size())});
    ASSERT_TRUE(apply(content, state, record.moves.back()));
  }
  std::string refused(const nlohmann::json& json) const {
    const auto imported = import_save(content, json.dump());
    return imported ? "" : imported.error().message();
  }
};

TEST_F(Saves, come_back_as_they_went) {
  const auto imported = import_save(content, save.dump());
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->record.moves, record.moves);
  EXPECT_EQ(imported->state.history, state.history);
  EXPECT_EQ(imported->state.score(), state.score());
  EXPECT_EQ(imported->state.moves, state.moves);
  EXPECT_TRUE(imported->notes.empty());
}

TEST_F(Saves, of_version_1_are_read_and_those_of_the_future_are_not) {
  EXPECT_EQ(save["version"], 2);
  auto old = save;
  old["version"] = 1;  // the same moves; version 2 has one kind more
  const auto imported = import_save(content, old.dump());
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->record.moves, record.moves);
  for (const nlohmann::json& version :
       {nlohmann::json(3), nlohmann::json(0), nlohmann::json("2"), nlohmann::json(1.5)}) {
    auto other = save;
    other["version"] = version;
    EXPECT_NE(refused(other).find("another version"), std::string::npos) << version;
  }
}

TEST_F(Saves, keep_what_was_measured_to_the_last_digit) {
  play(TakeChallenge{at(content, "b"), 0.1 + 0.2, 1.0 / 3});
  save = nlohmann::json::parse(export_save(content, record, state));
  const auto imported = import_save(content, save.dump());
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->record.moves, record.moves);
  EXPECT_EQ(imported->state.challenges.at(at(content, "b")).measured, 1.0 / 3);
}

TEST_F(Saves, that_were_changed_are_refused) {
  auto more = save;
  more["discovered"].push_back("top");
  EXPECT_NE(refused(more).find("claims other discoveries"), std::string::npos) << refused(more);
  auto other = save;
  other["moves"][0]["ingredients"] = {"b", "c"};
  EXPECT_NE(refused(other).find("digest"), std::string::npos) << refused(other);
  auto seed = save;
  seed["seed"] = 43;
  EXPECT_NE(refused(seed).find("digest"), std::string::npos) << refused(seed);
}

TEST_F(Saves, whose_moves_break_the_rules_are_refused_whatever_their_digest) {
  const Record impossible{42, {{Combine{mix(content, {"abc", "bc"}), {}}, 1000}}};
  auto forged = nlohmann::json::parse(export_save(content, impossible, state));
  const std::string says = refused(forged);
  EXPECT_NE(says.find("move 0"), std::string::npos) << says;
  EXPECT_NE(says.find("has not been found yet"), std::string::npos) << says;
}

TEST_F(Saves, that_are_none_are_refused_with_the_reason) {
  EXPECT_NE(refused(nlohmann::json::array()).find("no save"), std::string::npos);
  EXPECT_FALSE(import_save(content, "{\"format\""));
  EXPECT_FALSE(import_save(content, std::string(1000, '[')));
  for (const char* field : {"format", "version", "content", "seed", "moves", "digest", "discovered"}) {
    auto broken = save;
    broken.erase(field);
    EXPECT_FALSE(refused(broken).empty()) << field;
    broken[field] = nlohmann::json::object();
    EXPECT_FALSE(refused(broken).empty()) << field;
  }
}

TEST_F(Saves, that_are_too_large_are_refused) {
  EXPECT_FALSE(import_save(content, std::string(largest_save + 1, ' ')));
  auto many = save;
  many["moves"] = nlohmann::json(std::vector<int>(most_moves + 1));
  EXPECT_NE(refused(many).find("50001 moves"), std::string::npos) << refused(many);
}

TEST_F(Saves, of_other_content_are_played_as_far_as_they_hold) {
  SmallContent other({{.id = "a"}, {.id = "b"}, {.id = "c"}, {.id = "ab", .recipes = {{"a", "b"}}}});
  const auto imported = import_save(other.load(), save.dump());
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->state.found.size(), 4u);
  EXPECT_EQ(imported->notes.size(), 2u);
}

}  // namespace
}  // namespace sw::game
