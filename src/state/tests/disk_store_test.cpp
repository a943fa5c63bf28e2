#include "state/disk_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace sw {
namespace {

namespace fs = std::filesystem;

class DiskStores : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<DiskStore> open(std::uint64_t max_bytes = 1 << 30, const char* model = "model") {
    return DiskStore::open(PrefixKey::of_model(model), {folder_, max_bytes, {}}).value();
  }
  static PrefixKey key(TokenId token) {
    const std::vector<TokenId> tokens = {token};
    return PrefixKey::of_model("model").followed_by(tokens);
  }
  static std::vector<std::byte> content(int seed, std::size_t n = 1000) {
    std::vector<std::byte> bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 31 + static_cast<std::size_t>(seed));
    return bytes;
  }
  static bool write(DiskStore& store, TokenId token, const std::vector<std::byte>& bytes, int depth = 0) {
    store.write(key(token), bytes, depth, 1);
    store.flush();
    return store.finished().at(0).ok;
  }
  static bool read(DiskStore& store, TokenId token, std::vector<std::byte>& bytes) {
    store.read(key(token), bytes, 0, 2);
    store.flush();
    return store.finished().at(0).ok;
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.is_regular_file()) paths.push_back(entry.path());
    return paths;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("speedwins-store-test-" + std::to_string(::getpid()) + "-" +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(DiskStores, what_was_written_is_read_by_the_next_process) {
  const auto bytes = content(1);
  EXPECT_TRUE(write(*open(), 1, bytes));
  const auto store = open();
  EXPECT_TRUE(store->contains(key(1)));
  EXPECT_FALSE(store->contains(key(2)));
  std::vector<std::byte> found(bytes.size());
  EXPECT_TRUE(read(*store, 1, found));
  EXPECT_EQ(found, bytes);
}

TEST_F(DiskStores, models_do_not_see_each_others_state) {
  EXPECT_TRUE(write(*open(), 1, content(1)));
  EXPECT_FALSE(open(1 << 30, "another model")->contains(key(1)));
}

TEST_F(DiskStores, file_torn_at_any_byte_counts_as_absent) {
  const auto bytes = content(1, 200);
  for (std::size_t kept = 0; kept < 264; kept += 11) {
    const auto store = open();
    ASSERT_TRUE(write(*store, 1, bytes));
    fs::resize_file(files().at(0), kept);
    std::vector<std::byte> found(bytes.size());
    EXPECT_FALSE(read(*store, 1, found)) << kept;
    EXPECT_FALSE(store->contains(key(1)));
    EXPECT_TRUE(files().empty());
  }
}

TEST_F(DiskStores, file_with_a_changed_byte_counts_as_absent) {
  const auto bytes = content(1, 200);
  for (std::size_t at = 0; at < 264; at += 11) {
    const auto store = open();
    ASSERT_TRUE(write(*store, 1, bytes));
    {
      std::fstream file(files().at(0), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte ^ 0x40));
    }
    std::vector<std::byte> found(bytes.size());
    EXPECT_FALSE(read(*store, 1, found)) << at;
  }
}

TEST_F(DiskStores, file_of_another_size_than_asked_for_counts_as_absent) {
  const auto store = open();
  ASSERT_TRUE(write(*store, 1, content(1, 200)));
  std::vector<std::byte> found(300);
  EXPECT_FALSE(read(*store, 1, found));
}

TEST_F(DiskStores, files_beyond_the_limit_are_removed_from_the_ends_of_texts) {
  const auto store = open(10'000);
  for (int depth = 0; depth < 40; ++depth) write(*store, 100 + depth, content(depth), depth);
  std::uint64_t total = 0;
  for (const fs::path& path : files()) total += fs::file_size(path);
  EXPECT_LE(total, 10'000u);
  EXPECT_GT(total, 5'000u);
  EXPECT_EQ(store->bytes_on_disk(), total);
  EXPECT_TRUE(store->contains(key(100)));
  EXPECT_FALSE(store->contains(key(139)));
}

TEST_F(DiskStores, half_written_file_of_a_process_that_died_is_removed) {
  open();
  const fs::path folder = folder_ / PrefixKey::of_model("model").hex();
  const fs::path left = folder / (key(1).hex() + ".state.part-12345");
  std::ofstream(left) << "half";
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(1));
  const fs::path other = folder / "notes.txt";
  std::ofstream(other) << "not ours";
  open();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other));
}

TEST_F(DiskStores, folder_that_cannot_be_made_is_an_error) {
  std::ofstream(folder_) << "a file";
  EXPECT_FALSE(DiskStore::open(PrefixKey::of_model("model"), {folder_, 1 << 20, {}}));
}

}  // namespace
}  // namespace sw
