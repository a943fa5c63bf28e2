// Any bytes as a file of the prefix cache: what is read is what was once written, or nothing, and what is wrong is
// gone. The first byte: cut what was written there, write over it there, or put the bytes in its place.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "state/disk_store.hpp"

namespace fs = std::filesystem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fs::path folder = [] {
    const fs::path path = fs::temp_directory_path() / ("speedwins-fuzz-store-" + std::to_string(::getpid()));
    std::atexit([] {
      std::error_code ignored;
      fs::remove_all(fs::temp_directory_path() / ("speedwins-fuzz-store-" + std::to_string(::getpid())), ignored);
    });
    return path;
  }();
  if (size < 2 || size > 4096) return 0;
  const sw::PrefixKey model = sw::PrefixKey::of_model("model");
  const sw::PrefixKey key = model.followed_by(std::vector<sw::TokenId>{1});
  const std::vector<std::byte> written(200, std::byte{7});
  const auto open = [&] { return sw::DiskStore::open(model, {folder, 1 << 20, {}}).value(); };

  auto store = open();
  store->write(key, written, 0, 1);
  store->flush();
  if (!store->finished().at(0).ok) std::abort();
  const fs::path path = folder / model.hex() / (key.hex() + ".state");
  std::ifstream whole(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(whole), {}};
  const std::vector<char> right = bytes;
  const std::vector<char> given(data + 2, data + size);
  const std::size_t at = data[1] % bytes.size();
  if (data[0] % 3 == 0) bytes.resize(at);
  if (data[0] % 3 == 1)
    for (std::size_t i = 0; i < given.size() && at + i < bytes.size(); ++i) bytes[at + i] = given[i];
  if (data[0] % 3 == 2) bytes = given;
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));

  store = open();  // as after a restart
  std::vector<std::byte> found(written.size());
  store->read(key, found, 0, 2);
  store->flush();
  const bool ok = store->finished().at(0).ok;
  if (ok != (bytes == right)) std::abort();
  if (ok && found != written) std::abort();
  if (ok != store->contains(key) || ok != fs::exists(path)) std::abort();
  return 0;
}
