#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/hf_folder.hpp"

namespace sw {

inline std::filesystem::path golden_models() {
  return SPEEDWINS_SOURCE_DIR "/tests/golden/models";
}

inline std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden_models()))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  return names;
}

/// A folder that is gone when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "speedwins-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sw
