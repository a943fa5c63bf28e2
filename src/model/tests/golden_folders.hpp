#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/tests/temporary_folder.hpp"
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

}  // namespace sw
