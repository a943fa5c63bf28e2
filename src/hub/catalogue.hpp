#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.hpp"

namespace sw {

/// A model found by name. Its path is valid while the object lives.
class CatalogueEntry {
 public:
  explicit CatalogueEntry(std::filesystem::path path) : path_(std::move(path)) {}
  /// `keep_alive` owns whatever the path stands for.
  CatalogueEntry(std::filesystem::path path, std::shared_ptr<void> keep_alive)
      : path_(std::move(path)), keep_alive_(std::move(keep_alive)) {}

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<void> keep_alive_;
};

/// `name` is a GGUF file, a Hugging Face folder, a model inside the program (`demo`), or something pulled:
/// a repository ("owner/name") or one of its files ("owner/name/file.gguf"). A file or folder comes first.
Result<CatalogueEntry> find_model(std::string_view name);

/// Where pulled models are kept: $XDG_DATA_HOME/speedwins/models, in ~/.local/share by default.
Result<std::filesystem::path> models_folder();

}  // namespace sw
