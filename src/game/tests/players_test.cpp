#include "game/players.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "small_content.hpp"

namespace sw::game {
namespace {

class PlayersTest : public ::testing::Test {
 protected:
  const Content content = alphabet().load();
  std::unique_ptr<Store> store = std::move(*Store::open(std::move(*open_sqlite(":memory:"))));
  std::int64_t now = 1000;
  std::uint64_t seeds = 0;
  Players players{content, *store, [this] { return now; }, [this] { return ++seeds; }};
  const Seat seat{"player", "main"};

  std::uint32_t moves = 0;
  std::size_t found = 0;
  Players::Look see = [this](const State& state) {
    moves = state.moves;
    found = state.found.size();
  };
  Result<Played> combine(const std::vector<std::string>& ids, std::optional<std::uint32_t> number = {}) {
    return players.play(seat, Combine{mix(content, ids), {}}, number, see);
  }
};

TEST_F(PlayersTest, a_move_sent_twice_is_played_once) {
  const auto first = combine({"a", "b"}, 0);
  ASSERT_TRUE(first && !first->repeated);
  const auto again = combine({"a", "b"}, 0);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE(again->repeated);
  EXPECT_FALSE(again->conflict);
  EXPECT_EQ(again->events.size(), first->events.size());
  EXPECT_TRUE(std::holds_alternative<event::Discovered>(again->events.front()));
  EXPECT_EQ(moves, 1u);
}

TEST_F(PlayersTest, another_move_under_a_used_number_is_a_conflict_that_loses_nothing) {
  ASSERT_TRUE(combine({"a", "b"}, 0));
  const auto other = combine({"b", "c"}, 0);
  ASSERT_TRUE(other);
  EXPECT_TRUE(other->conflict);
  EXPECT_TRUE(combine({"b", "c"}, 5)->conflict);
  EXPECT_EQ(moves, 1u);
  EXPECT_FALSE(combine({"b", "c"}, 1)->conflict);
  EXPECT_EQ(moves, 2u);
}

TEST_F(PlayersTest, many_threads_play_one_game_move_by_move) {
  std::vector<std::jthread> threads;
  std::atomic<int> errors = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (!players.play(seat, Combine{mix(content, {"a", "c"}), {}}, {}, [](const State&) {})) ++errors;
    });
  threads.clear();
  EXPECT_EQ(errors, 0);
  ASSERT_TRUE(players.look(seat, see));
  EXPECT_EQ(moves, 200u);
}

TEST_F(PlayersTest, players_and_slots_do_not_see_each_other) {
  ASSERT_TRUE(combine({"a", "b"}));
  ASSERT_TRUE(players.look({"somebody", "main"}, see));
  EXPECT_EQ(found, 3u);
  ASSERT_TRUE(players.look({"player", "second"}, see));
  EXPECT_EQ(found, 3u);
  EXPECT_TRUE(players.slots("somebody")->empty());
}

TEST_F(PlayersTest, games_are_copied_exported_imported_reset_and_removed) {
  ASSERT_TRUE(combine({"a", "b"}));
  ASSERT_TRUE(players.copy(seat, "backup"));
  ASSERT_TRUE(combine({"b", "c"}));
  const auto save = players.export_game(seat);
  ASSERT_TRUE(save);
  ASSERT_TRUE(players.reset(seat, see));
  EXPECT_EQ(found, 3u);
  ASSERT_TRUE(players.import_game(seat, *save, see));
  EXPECT_EQ(found, 5u);
  ASSERT_TRUE(players.look({"player", "backup"}, see));
  EXPECT_EQ(found, 4u);
  EXPECT_EQ(players.slots("player")->size(), 2u);
  ASSERT_TRUE(players.remove({"player", "backup"}));
  EXPECT_EQ(players.slots("player")->size(), 1u);
  ASSERT_TRUE(players.look({"player", "backup"}, see));
  EXPECT_EQ(found, 3u);
}

TEST_F(PlayersTest, a_refused_import_leaves_the_game_as_it_was) {
  ASSERT_TRUE(combine({"a", "b"}));
  EXPECT_FALSE(players.import_game(seat, "{}", see));
  EXPECT_FALSE(players.adopt(seat, "SW1-AAAA", see));
  ASSERT_TRUE(players.look(seat, see));
  EXPECT_EQ(found, 4u);
}

TEST_F(PlayersTest, moves_made_elsewhere_are_merged_as_far_as_they_are_new) {
  ASSERT_TRUE(combine({"a", "b"}));
  const std::vector<Move> elsewhere{{Combine{mix(content, {"a", "b"}), {}}, 500},        // known here
                                    {Combine{mix(content, {"b", "c"}), {}}, 600},        // new
                                    {Combine{mix(content, {"abc", "bc"}), {}}, 700},     // not yet
                                    {Combine{mix(content, {"ab", "c"}), {}}, 900'000}};  // from the future
  int skipped = 0;
  const auto merged = players.merge(seat, elsewhere, skipped, see);
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(skipped, 2);
  EXPECT_EQ(found, 6u);
  EXPECT_EQ(moves, 3u);
  Players again(
      content, *store, [this] { return now; }, [this] { return ++seeds; });
  ASSERT_TRUE(again.look(seat, see));
  EXPECT_EQ(found, 6u);
}

TEST_F(PlayersTest, there_are_at_most_sixteen_slots) {
  ASSERT_TRUE(combine({"a", "b"}));
  for (std::size_t i = 1; i < most_slots; ++i) ASSERT_TRUE(players.copy(seat, "copy" + std::to_string(i)));
  EXPECT_FALSE(players.copy(seat, "one-too-many"));
  EXPECT_FALSE(players.play({"player", "new"}, Combine{mix(content, {"a", "b"}), {}}, {}, see));
  EXPECT_TRUE(players.copy(seat, "copy1"));
}

TEST_F(PlayersTest, a_game_more_than_memory_holds_is_read_back) {
  ASSERT_TRUE(combine({"a", "b"}));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(players.look({"visitor" + std::to_string(i), "main"}, see));
  ASSERT_TRUE(players.look(seat, see));
  EXPECT_EQ(found, 4u);
}

/// New content in which abc is made of other things, and b + c makes nothing any more.
TEST_F(PlayersTest, discoveries_survive_when_recipes_change) {
  ASSERT_TRUE(combine({"a", "b"}));
  ASSERT_TRUE(combine({"b", "c"}));
  ASSERT_TRUE(combine({"ab", "c"}));
  const Content changed = SmallContent({{.id = "a"},
                                        {.id = "b"},
                                        {.id = "c"},
                                        {.id = "abc", .recipes = {{"bc", "a"}}},
                                        {.id = "bc", .recipes = {{"a", "c"}}},
                                        {.id = "new", .recipes = {{"abc", "b"}}}})
                              .load();
  Players later(
      changed, *store, [this] { return now; }, [this] { return ++seeds; });
  ASSERT_TRUE(later.look(seat, [&](const State& state) {
    EXPECT_TRUE(state.knows(at(changed, "bc")));
    EXPECT_TRUE(state.knows(at(changed, "abc")));
    EXPECT_FALSE(state.knows(at(changed, "new")));
  }));
  ASSERT_TRUE(later.play(seat, Combine{mix(changed, {"abc", "b"}), {}}, {}, see));
  EXPECT_EQ(found, 6u);
}

TEST(SlotNames, are_short_and_plain) {
  EXPECT_TRUE(is_slot_name("main"));
  EXPECT_TRUE(is_slot_name("My_game-2"));
  for (const char* wrong : {"", "a b", "ä", "../x", "123456789012345678901234567890123"})
    EXPECT_FALSE(is_slot_name(wrong)) << wrong;
}

}  // namespace
}  // namespace sw::game
