#include "evaluation/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace sw {
namespace {

namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  ~JournalTest() override { fs::remove(path); }
  const fs::path path = fs::temp_directory_path() / ("speedwins-journal-" + std::to_string(::getpid()));
};

TEST_F(JournalTest, goes_on_where_it_stopped) {
  {
    auto journal = Journal::open(path, "one evaluation", true);
    ASSERT_TRUE(journal);
    ASSERT_TRUE(journal->add(0, {1.0 / 3, 2}));
    ASSERT_TRUE(journal->add(5, {-1e-300}));
  }
  auto journal = Journal::open(path, "one evaluation", true);
  ASSERT_TRUE(journal);
  ASSERT_EQ(journal->steps().size(), 2u);
  EXPECT_EQ(journal->steps().at(0), (std::vector<double>{1.0 / 3, 2}));  // to the last digit
  EXPECT_EQ(journal->steps().at(5), (std::vector<double>{-1e-300}));
  journal->remove();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(JournalTest, of_another_evaluation_or_without_resume_begins_anew) {
  ASSERT_TRUE(Journal::open(path, "one", true)->add(0, {1}));
  EXPECT_TRUE(Journal::open(path, "other", true)->steps().empty());
  ASSERT_TRUE(Journal::open(path, "other", true)->add(0, {1}));
  EXPECT_TRUE(Journal::open(path, "other", false)->steps().empty());
  EXPECT_TRUE(Journal::open(path, "other", true)->steps().empty());
}

TEST_F(JournalTest, forgets_a_line_that_was_cut_short_and_all_after_it) {
  ASSERT_TRUE(Journal::open(path, "key", true)->add(0, {1}));
  std::ofstream(path, std::ios::app) << "1 2.5\n2 3.";
  {
    auto journal = Journal::open(path, "key", true);
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->steps().size(), 2u);
    ASSERT_TRUE(journal->add(2, {7}));
  }
  const auto journal = Journal::open(path, "key", true);
  EXPECT_EQ(journal->steps().at(2), std::vector<double>{7});
  std::ofstream(path, std::ios::app) << "three\n4 1\n";
  EXPECT_EQ(Journal::open(path, "key", true)->steps().size(), 3u);
}

}  // namespace
}  // namespace sw
