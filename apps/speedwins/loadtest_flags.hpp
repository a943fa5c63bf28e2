#pragma once

#include <string>

#include "commands.hpp"
#include "loadtest/document.hpp"
#include "output.hpp"

namespace sw::loadtest {

/// What `loadtest` was asked for. prepare_loadtest() makes `options` of the rest.
struct LoadtestFlags {
  LoadOptions options;
  OutputFlags output;
  LoadTargets targets;
  std::string url, key_file, trace, prompts, prompt_words = "64", max_tokens = "64";
  double rate = 0, speed = 1;
  int users = 0;
  bool poisson = true, find_max = false, has_duration = false;
};

/// URL and the flags, in groups.
void add_loadtest_flags(CLI::App& command, LoadtestFlags& flags);

/// The key in a file: its first line.
Result<std::string> read_key(const std::string& file);

/// Reads the files that flags name, and asks the server for its model where none was given.
Status prepare_loadtest(LoadtestFlags& flags);

}  // namespace sw::loadtest
