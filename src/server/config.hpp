#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "server/app.hpp"

namespace sw {

/// Reads a TOML file over `options`: what it does not mention stays. An unknown key is an Error, for it is a misspelt
/// one. The keys are those of deploy/speedwins.toml.
Status read_config(const std::filesystem::path& path, AppOptions& options);
/// The same of the file's text; `where` is what errors call it.
Status read_config(std::string_view toml, const std::string& where, AppOptions& options);

/// The model that a MODEL or NAME=MODEL of the command line means. Without a name it is the file's name without its
/// ending, or the hub's name.
ModelConfig model_config_of(const std::string& argument);

}  // namespace sw
