#include "game_store.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

namespace sw {

Result<std::string> default_game_store() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (data && *data) {
    folder = data;
  } else if (home && *home) {
    folder = std::filesystem::path(home) / ".local" / "share";
  } else {
    return fail("neither XDG_DATA_HOME nor HOME is set", "the environment", "a folder for saved games",
                "Say where: --store FILE");
  }
  folder /= "speedwins";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(fmt::format("cannot make the folder: {}", error.message()), folder.string(), {},
                "Say where: --store FILE");
  return (folder / "game.db").string();
}

}  // namespace sw
