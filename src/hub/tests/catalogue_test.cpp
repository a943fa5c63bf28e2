#include "hub/catalogue.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sw {
namespace {

namespace fs = std::filesystem;

class Catalogue : public testing::Test {
 protected:
  void SetUp() override {
    data_ = fs::temp_directory_path() / ("speedwins-catalogue-" + std::to_string(::getpid()));
    fs::remove_all(data_);
    fs::create_directories(data_ / "speedwins/models/owner/name");
    ::setenv("XDG_DATA_HOME", data_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("XDG_DATA_HOME");
    fs::remove_all(data_);
  }
  fs::path make(const std::string& file) {
    const fs::path path = data_ / "speedwins/models/owner/name" / file;
    std::ofstream(path) << "x";
    return path;
  }
  fs::path data_;
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(Catalogue, the_models_inside_the_program_are_the_committed_ones) {
  for (const std::string name : {"demo", "demo-small", "demo-draft"}) {
    const auto model = find_model(name);
    ASSERT_TRUE(model) << model.error().message();
    EXPECT_TRUE(content(model->path()) == content(SPEEDWINS_SOURCE_DIR "/models/" + name + ".gguf")) << name;
  }
}

TEST_F(Catalogue, paths_come_first) {
  const fs::path file = make("m.gguf");
  EXPECT_EQ(find_model(file.string())->path(), file);
}

TEST_F(Catalogue, pulled_repository_is_its_only_model_or_its_folder) {
  EXPECT_FALSE(find_model("owner/name"));
  const fs::path first = make("m-00001-of-00002.gguf");
  make("m-00002-of-00002.gguf");
  make("other.gguf.part");
  ASSERT_TRUE(find_model("owner/name"));
  EXPECT_EQ(find_model("owner/name")->path(), first);
  const fs::path second = make("n.gguf");
  EXPECT_NE(find_model("owner/name").error().expected.find("owner/name/n.gguf"), std::string::npos);
  EXPECT_EQ(find_model("owner/name/n.gguf")->path(), second);
  make("config.json");
  EXPECT_EQ(find_model("owner/name")->path(), data_ / "speedwins/models/owner/name");
}

TEST_F(Catalogue, unknown_names_say_how_to_fetch_them) {
  EXPECT_EQ(find_model("owner/unknown").error().next, "Fetch it from the hub: speedwins pull owner/unknown");
  EXPECT_FALSE(find_model("../../no-such-model"));
  EXPECT_FALSE(find_model(""));
}

}  // namespace
}  // namespace sw
