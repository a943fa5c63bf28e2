#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// Where a hub is and who asks.
struct Hub {
  std::string endpoint = "https://huggingface.co";
  std::string token;

  /// SPEEDWINS_HUB or HF_ENDPOINT, and HF_TOKEN, where they are set.
  static Hub from_environment();
};

/// A file of a repository as the hub lists it.
struct RemoteFile {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;    ///< of files in large-file storage, else empty
  std::string git_blob;  ///< git's id of the other files
};

/// A repository's name, "owner/name" or "name", as it may be used in an address and as a folder.
Status check_repository(std::string_view repository);
/// A relative path that stays below the folder it is used in.
Status check_path(std::string_view path);

/// Reads one page of the hub's listing (GET /api/models/REPO/tree/REVISION). Entries that are not files are left out;
/// a hostile path or a checksum that is none is an Error.
Result<std::vector<RemoteFile>> parse_listing(std::string_view json);

/// All files of a repository.
Result<std::vector<RemoteFile>> list_files(const Hub& hub, const std::string& repository, const std::string& revision);

/// The files that make one model: `wanted` where it is given, else the GGUF of the best small quantization (Q4_K_M
/// first) with all its parts, else the safetensors with configuration and tokenizer.
Result<std::vector<RemoteFile>> choose_files(const std::vector<RemoteFile>& files, const std::string& wanted);

}  // namespace sw
