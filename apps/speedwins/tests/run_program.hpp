#pragma once

#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/tests/temporary_folder.hpp"

// Runs the built program as a user would.

namespace sw {

struct Finished {
  int exit_code = -1;
  std::string out, error;

  nlohmann::json json() const { return nlohmann::json::parse(out); }  // fails unless stdout is exactly one document
};

/// A folder of this test program's own, removed when it ends. It is the home of the programs it runs, so that no test
/// touches the measurements of whoever runs it.
inline const std::filesystem::path& test_home() {
  static const TemporaryFolder home;
  return home.path();
}

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// `arguments` as typed in a shell. `environment`: settings in front of the program, such as "NO_COLOR=1".
inline Finished speedwins(const std::string& arguments, const std::string& input = "",
                          const std::string& environment = "") {
  const auto file = [](const char* name) { return test_home() / (name + std::to_string(::getpid())); };
  const auto in = file("in"), out = file("out"), error = file("error");
  std::ofstream(in, std::ios::binary) << input;
  const std::string line = "XDG_DATA_HOME='" + test_home().string() + "' " + environment + " '" SPEEDWINS_PROGRAM "' " +
                           arguments + " <'" + in.string() + "' >'" + out.string() + "' 2>'" + error.string() + "'";
  Finished finished;
  const int status = std::system(line.c_str());
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  finished.out = text_of(out);
  finished.error = text_of(error);
  return finished;
}

}  // namespace sw
