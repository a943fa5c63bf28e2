#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/tests/temporary_folder.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

class AtomicFiles : public testing::Test {
 protected:
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  TemporaryFolder temporary;
  const fs::path& folder = temporary.path();
};

TEST_F(AtomicFiles, AppearWhenCommitted) {
  auto file = AtomicFile::create(folder / "new").value();
  ASSERT_TRUE(file.write(std::string_view("speed ")));
  ASSERT_TRUE(file.write(std::string_view("wins")));
  EXPECT_FALSE(fs::exists(folder / "new"));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(read_text_file(folder / "new").value(), "speed wins");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFiles, LeaveTheOldFileAndNoOtherWithoutCommit) {
  std::ofstream(folder / "old") << "kept";
  {
    auto file = AtomicFile::create(folder / "old").value();
    ASSERT_TRUE(file.write(std::string(3 << 20, 'x')));
  }
  EXPECT_EQ(read_text_file(folder / "old").value(), "kept");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFiles, LeaveNothingWhenTheProcessIsKilled) {
  const int unnamed = ::open(folder.c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (unnamed < 0) GTEST_SKIP() << "this file system has no unnamed files";
  ::close(unnamed);
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = AtomicFile::create(folder / "new");
    if (file && file->write(std::string(3 << 20, 'x'))) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(files(), 0u);
}

TEST_F(AtomicFiles, DoNotReplaceWhatIsNoFile) {
  fs::create_directory(folder / "folder");
  for (const fs::path& target : {folder / "folder", fs::path("/dev/null")}) {
    const auto file = AtomicFile::create(target);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().where, target.string());
  }
}

TEST_F(AtomicFiles, SayWhereTheyCannotBeCreated) {
  const auto file = AtomicFile::create(folder / "missing" / "file");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message().find("missing"), std::string::npos);
}

TEST_F(AtomicFiles, TextAboveTheLimitIsRefused) {
  std::ofstream(folder / "text") << "123456789";
  EXPECT_TRUE(read_text_file(folder / "text", 9));
  EXPECT_FALSE(read_text_file(folder / "text", 8));
}

class MappedFiles : public AtomicFiles {};

TEST_F(MappedFiles, AreCopiedFromWithoutTheMapping) {
  const fs::path path = folder / "mapped";
  std::ofstream(path) << std::string(10'000, 'a') + "speed wins";
  const MappedFile file = MappedFile::open(path).value();
  std::string copy(10, 0);
  ASSERT_TRUE(file.read(file.bytes().last(10), reinterpret_cast<std::byte*>(copy.data())));
  EXPECT_EQ(copy, "speed wins");
  ASSERT_TRUE(file.read(file.bytes().last(0), nullptr));

  fs::resize_file(path, 5'000);
  const Status cut = file.read(file.bytes().last(10), reinterpret_cast<std::byte*>(copy.data()));
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message().find("became shorter"), std::string::npos) << cut.error().message();
  EXPECT_NE(cut.error().message().find("10010 bytes"), std::string::npos) << cut.error().message();
}

}  // namespace
}  // namespace sw
