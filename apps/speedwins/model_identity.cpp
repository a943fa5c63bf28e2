#include "model_identity.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "hub/catalogue.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

void add_file(Digest& digest, const fs::path& path) {
  constexpr std::uintmax_t pieces = 64, piece_bytes = 65536;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return;
  digest.update(std::to_string(size) + '\n');
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(piece_bytes);
  const std::uintmax_t spread = size > piece_bytes ? size - piece_bytes : 0;
  const std::uintmax_t n = std::min(pieces, size / piece_bytes + 1);
  for (std::uintmax_t i = 0; i < n; ++i) {
    file.clear();
    file.seekg(static_cast<std::streamoff>(n > 1 ? spread / (n - 1) * i : 0));
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.update(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount())));
  }
}

}  // namespace

std::string model_fingerprint(const std::string& model) {
  const auto entry = find_model(model);
  if (!entry) return "";
  Digest digest = Digest::sha256();
  std::error_code error;
  if (fs::is_directory(entry->path(), error)) {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(entry->path(), error))
      if (file.is_regular_file(error)) files.push_back(file.path());
    std::ranges::sort(files);
    for (const fs::path& file : files) add_file(digest, file);
  } else {
    add_file(digest, entry->path());
  }
  return digest.hex().substr(0, 16);
}

}  // namespace sw
