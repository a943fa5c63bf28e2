#include "hub/catalogue.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "hub/embedded_models.hpp"
#include "hub/repository.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

/// A file in memory, so that a model inside the program is opened like any other.
Result<CatalogueEntry> open_embedded(const EmbeddedModel& model) {
  const std::string name(model.name);
  const int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC);
  if (fd < 0) return fail(fmt::format("cannot make a file in memory: {}", std::strerror(errno)), name);
  std::shared_ptr<void> keep_alive(nullptr, [fd](void*) { ::close(fd); });
  std::span<const std::byte> rest = model.bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written <= 0) return fail(fmt::format("cannot write a file in memory: {}", std::strerror(errno)), name);
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  return CatalogueEntry(fmt::format("/proc/self/fd/{}", fd), std::move(keep_alive));
}

bool is_first_part(const std::string& file_name) {
  const std::size_t of = file_name.rfind("-of-");
  return of == std::string::npos || of < 6 || file_name.compare(of - 6, 6, "-00001") == 0;
}

/// What to open of a pulled repository: the folder where it is a Hugging Face one, else its only GGUF model.
Result<CatalogueEntry> open_pulled(const fs::path& folder, std::string_view name) {
  std::error_code error;
  if (fs::exists(folder / "config.json", error)) return CatalogueEntry(folder);
  std::vector<fs::path> models;
  for (const auto& file : fs::recursive_directory_iterator(folder, error))
    if (file.path().extension() == ".gguf" && is_first_part(file.path().stem().string())) models.push_back(file.path());
  std::ranges::sort(models);
  if (models.empty())
    return fail("the pulled repository holds no complete model", folder.string(), {},
                fmt::format("Fetch it again: speedwins pull {}", name));
  if (models.size() > 1) {
    std::string names;
    for (const fs::path& model : models)
      names += fmt::format("{}{}/{}", names.empty() ? "" : ", ", name, fs::relative(model, folder, error).string());
    return fail("several models were pulled from this repository", std::string(name), "one of " + names);
  }
  return CatalogueEntry(models.front());
}

}  // namespace

Result<fs::path> models_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return fs::path(data) / "speedwins" / "models";
  if (const char* home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".local" / "share" / "speedwins" / "models";
  return fail("neither XDG_DATA_HOME nor HOME is set", "the environment", "a folder for pulled models");
}

Result<CatalogueEntry> find_model(std::string_view name) {
  std::error_code error;
  if (fs::exists(fs::path(name), error)) return CatalogueEntry(fs::path(name));
  for (const EmbeddedModel& model : embedded_models())
    if (name == model.name) return open_embedded(model);
  if (check_path(name)) {
    if (const auto folder = models_folder()) {
      const fs::path pulled = *folder / name;
      if (fs::is_directory(pulled, error)) return open_pulled(pulled, name);
      if (fs::is_regular_file(pulled, error)) return CatalogueEntry(pulled);
    }
  }
  return fail(fmt::format("there is no model '{}'", name), {},
              "a GGUF file, a Hugging Face folder, a pulled name, or demo, demo-small, demo-draft",
              check_repository(name) ? fmt::format("Fetch it from the hub: speedwins pull {}", name) : "");
}

}  // namespace sw
