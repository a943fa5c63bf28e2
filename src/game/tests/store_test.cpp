#include "game/store.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "game/players.hpp"
#include "small_content.hpp"
#include "temporary_postgres.hpp"

namespace sw::game {
namespace {

namespace fs = std::filesystem;

std::string temporary_file(const std::string& name) {
  const fs::path path = fs::temp_directory_path() / (name + std::to_string(::getpid()) + ".db");
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(path.string() + ending);
  return path.string();
}

enum class Kind { sqlite, postgres };

/// Everything here holds for both databases.
class Stores : public ::testing::TestWithParam<Kind> {
 protected:
  static void TearDownTestSuite() { server().reset(); }
  static std::unique_ptr<TemporaryPostgres>& server() {
    static std::unique_ptr<TemporaryPostgres> running;
    return running;
  }

  void SetUp() override {
    if (GetParam() == Kind::sqlite) {
      setting = temporary_file("speedwins-store-");
    } else {
      std::string why_not;
      if (!server()) server() = TemporaryPostgres::start(why_not);
      if (!server()) GTEST_SKIP() << why_not;
      setting = server()->address();
    }
    store = open();
    player = "player-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override {
    store.reset();
    if (GetParam() == Kind::sqlite && !setting.empty())
      for (const char* ending : {"", "-wal", "-shm"}) fs::remove(setting + ending);
  }

  std::unique_ptr<Store> open() const {
    auto database = open_database(setting);
    EXPECT_TRUE(database) << database.error().message();
    auto opened = Store::open(std::move(*database));
    EXPECT_TRUE(opened) << opened.error().message();
    return std::move(*opened);
  }
  static StoredGame game_of(std::vector<StoredMove> moves, std::int64_t generation = 1) {
    return {{generation, 0}, 99, "fingerprint", std::move(moves)};
  }

  std::string setting, player;
  std::unique_ptr<Store> store;
};

TEST_P(Stores, keep_games_move_by_move) {
  const SlotInfo info{"main", 0, 5, 70, 1234};
  ASSERT_EQ(store->replace(player, std::nullopt, game_of({{"first", "x"}}), info), true);
  ASSERT_EQ(store->append(player, {1, 1}, {"second 'quoted' \"ö\" $1", ""}, info), true);
  const auto game = store->read(player, "main");
  ASSERT_TRUE(game && *game);
  EXPECT_EQ((*game)->seed, 99u);
  EXPECT_EQ((*game)->head, (Head{1, 2}));
  EXPECT_EQ((*game)->content, "fingerprint");
  ASSERT_EQ((*game)->moves.size(), 2u);
  EXPECT_EQ((*game)->moves[0].gave, "x");
  EXPECT_EQ((*game)->moves[1].text, "second 'quoted' \"ö\" $1");
  EXPECT_EQ(*store->move(player, "main", 0), "first");
  EXPECT_EQ(*store->move(player, "main", 7), std::nullopt);
  const auto slots = store->slots(player);
  ASSERT_EQ(slots->size(), 1u);
  EXPECT_EQ(slots->front().moves, 2u);
  EXPECT_EQ(slots->front().score, 70);
}

TEST_P(Stores, write_a_move_only_where_the_game_stands) {
  const SlotInfo info{"main", 0, 0, 0, 0};
  ASSERT_EQ(store->replace(player, std::nullopt, game_of({{"first", ""}}), info), true);
  EXPECT_EQ(store->append(player, {1, 0}, {"late", ""}, info), false);
  EXPECT_EQ(store->append(player, {1, 2}, {"early", ""}, info), false);
  EXPECT_EQ(store->append(player, {2, 1}, {"another game", ""}, info), false);
  EXPECT_EQ(store->append("somebody else", {1, 1}, {"theirs", ""}, info), false);
  EXPECT_EQ(store->read(player, "main").value()->moves.size(), 1u);
}

TEST_P(Stores, replace_a_game_only_where_it_is_the_expected_one) {
  const SlotInfo info{"main", 0, 0, 0, 0};
  ASSERT_EQ(store->replace(player, std::nullopt, game_of({{"a", ""}, {"b", ""}}), info), true);
  EXPECT_EQ(store->replace(player, std::nullopt, game_of({}), info), false);
  EXPECT_EQ(store->replace(player, Head{1, 1}, game_of({}, 2), info), false);
  EXPECT_EQ(store->replace(player, Head{1, 2}, game_of({{"c", ""}}, 2), info), true);
  EXPECT_EQ(*store->head(player, "main"), (Head{2, 1}));
  ASSERT_TRUE(store->remove(player, "main"));
  EXPECT_EQ(*store->head(player, "main"), std::nullopt);
  EXPECT_TRUE(store->slots(player)->empty());
}

TEST_P(Stores, keep_the_first_text_for_everybody) {
  EXPECT_EQ(*store->kept(player), std::nullopt);
  EXPECT_EQ(*store->keep(player, "one"), "one");
  EXPECT_EQ(*store->keep(player, "two"), "one");
  EXPECT_EQ(*open()->kept(player), "one");
}

TEST_P(Stores, of_many_writers_exactly_one_adds_each_move) {
  const SlotInfo info{"main", 0, 0, 0, 0};
  ASSERT_EQ(store->replace(player, std::nullopt, game_of({}), info), true);
  const auto other = open();
  std::atomic<int> added = 0, errors = 0;
  const auto write = [&](Store& to) {
    for (std::uint32_t n = 0; n < 50; ++n) {
      const auto done = to.append(player, {1, n}, {"move", ""}, info);
      if (!done)
        ++errors;
      else
        added += *done;
      while (to.head(player, "main").value()->moves <= n) std::this_thread::yield();
    }
  };
  std::jthread first(write, std::ref(*store)), second(write, std::ref(*store)), third(write, std::ref(*other));
  first.join(), second.join(), third.join();
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(added, 50);
  EXPECT_EQ(store->read(player, "main").value()->moves.size(), 50u);
}

TEST_P(Stores, let_two_programs_play_one_game_without_losing_a_move) {
  const Content content = alphabet().load();
  const auto other_store = open();
  const auto clock = [] { return std::int64_t{1000}; };
  const auto seed = [] { return std::uint64_t{5}; };
  Players one(content, *store, clock, seed), other(content, *other_store, clock, seed);
  const auto ignore = [](const State&) {};
  const Seat seat{player, "main"};
  ASSERT_TRUE(one.play(seat, Combine{mix(content, {"a", "b"}), {}}, 0, ignore));
  ASSERT_TRUE(other.play(seat, Combine{mix(content, {"b", "c"}), {}}, 1, ignore));
  ASSERT_TRUE(one.play(seat, Combine{mix(content, {"ab", "c"}), {}}, 2, ignore));
  ASSERT_TRUE(other.look(seat, [&](const State& state) {
    EXPECT_EQ(state.moves, 3u);
    EXPECT_TRUE(state.knows(at(content, "abc")));
  }));
}

INSTANTIATE_TEST_SUITE_P(Databases, Stores, ::testing::Values(Kind::sqlite, Kind::postgres),
                         [](const auto& which) { return which.param == Kind::sqlite ? "sqlite" : "postgres"; });

/// A child plays and tells each move once it is acknowledged; it is killed in the middle, several times over.
TEST(Sqlite, keeps_every_acknowledged_move_of_a_killed_program) {
  const Content content = alphabet().load();
  const std::string file = temporary_file("speedwins-kill-");
  const auto clock = [] { return std::int64_t{1000}; };
  const auto seed = [] { return std::uint64_t{5}; };
  std::uint32_t acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    int channel[2];
    ASSERT_EQ(::pipe(channel), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(channel[0]);
      auto store = Store::open(std::move(*open_sqlite(file)));
      Players players(content, **store, clock, seed);
      while (true) {
        std::uint32_t moves = 0;
        const auto played = players.play({"p", "main"}, Combine{mix(content, {"a", "c"}), {}}, {},
                                         [&](const State& state) { moves = state.moves; });
        if (!played || ::write(channel[1], &moves, sizeof(moves)) != sizeof(moves)) ::_exit(1);
      }
    }
    ::close(channel[1]);
    std::uint32_t moves = 0;
    for (int i = 0; i < 20 + 13 * round && ::read(channel[0], &moves, sizeof(moves)) == sizeof(moves); ++i)
      acknowledged = moves;
    ::kill(child, SIGKILL);
    while (::read(channel[0], &moves, sizeof(moves)) == sizeof(moves)) acknowledged = moves;
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(channel[0]);

    auto store = Store::open(std::move(*open_sqlite(file)));
    ASSERT_TRUE(store) << store.error().message();
    Players players(content, **store, clock, seed);
    ASSERT_TRUE(players.look({"p", "main"}, [&](const State& state) { EXPECT_GE(state.moves, acknowledged); }));
  }
  EXPECT_GE(acknowledged, 100u);
  for (const char* ending : {"", "-wal", "-shm"}) fs::remove(file + ending);
}

TEST(Sqlite, what_is_no_database_is_refused) {
  const std::string file = temporary_file("speedwins-broken-");
  std::FILE* out = std::fopen(file.c_str(), "w");
  ASSERT_TRUE(out);
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database ", out);
  std::fclose(out);
  const auto database = open_sqlite(file);
  ASSERT_FALSE(database);
  EXPECT_NE(database.error().message().find(file), std::string::npos);
  EXPECT_FALSE(open_sqlite("/nowhere/at/all.db"));
  fs::remove(file);
}

TEST(Postgres, that_does_not_answer_is_an_error_and_not_a_wait) {
  const auto database = open_database("postgresql:///games?host=/nowhere");
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().where, "PostgreSQL");
}

}  // namespace
}  // namespace sw::game
