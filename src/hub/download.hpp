#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "hub/repository.hpp"

namespace sw {

struct DownloadOptions {
  std::string repository, revision = "main";
  std::filesystem::path folder;  ///< of this repository; made where it is missing
  int attempts = 5;              ///< to go on after a broken connection
  std::chrono::milliseconds stall_timeout{30000};
  /// Bytes of the file that are there, told now and then.
  std::function<void(const RemoteFile& file, std::uint64_t done)> on_progress;
};

/// Fetches one file into the folder. It is written to FILE.part, which a later call continues, and takes its name only
/// when its size and checksum are right. A file that is there with the right size is kept: it was checked when it got
/// its name. Returns its path.
Result<std::filesystem::path> download(const Hub& hub, const RemoteFile& file, const DownloadOptions& options);

}  // namespace sw
