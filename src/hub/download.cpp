#include "hub/download.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/digest.hpp"
#include "hub/http_client.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

/// FILE.part: what has come so far, and its checksum. Locked, so that two programs do not write into one file.
class PartialFile {
 public:
  static Result<PartialFile> open(const fs::path& path, const RemoteFile& file) {
    PartialFile partial(path, file);
    partial.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (partial.fd_ < 0) return partial.failure("cannot be opened");
    if (::flock(partial.fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return partial.failure("cannot be locked");
      return fail("is being downloaded by another program", path.string(), {}, "Wait for it to end");
    }
    SW_TRY(partial.read_existing());
    return partial;
  }

  PartialFile(PartialFile&& other) noexcept
      : path_(std::move(other.path_)),
        file_(std::move(other.file_)),
        fd_(std::exchange(other.fd_, -1)),
        size_(other.size_),
        digest_(std::move(other.digest_)) {}
  PartialFile& operator=(PartialFile&&) = delete;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::uint64_t size() const { return size_; }

  Status append(std::string_view bytes) {
    if (bytes.size() > file_.size - size_)
      return fail("the server sends more than the hub announced", path_.string(), fmt::format("{} bytes", file_.size));
    digest_.update(bytes);
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure("cannot be written");
      size_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  /// Starts over: nothing has come.
  Status clear() {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return failure("cannot be emptied");
    size_ = 0;
    digest_ = new_digest(file_);
    return {};
  }

  /// Checks the whole and gives it its name. With a wrong checksum nothing is left.
  Status commit(const fs::path& target) {
    const std::string& wanted = file_.sha256.empty() ? file_.git_blob : file_.sha256;
    if (const std::string found = digest_.hex(); found != wanted) {
      ::unlink(path_.c_str());
      return fail(fmt::format("the checksum is {}", found), target.string(), wanted,
                  "The download was damaged and is removed: try again");
    }
    if (::fsync(fd_) != 0) return failure("cannot be written");
    if (::rename(path_.c_str(), target.c_str()) != 0) return failure("cannot be renamed");
    return {};
  }

 private:
  PartialFile(fs::path path, const RemoteFile& file) : path_(std::move(path)), file_(file), digest_(new_digest(file)) {}

  static Digest new_digest(const RemoteFile& file) {
    return file.sha256.empty() ? Digest::git_blob(file.size) : Digest::sha256();
  }

  Status read_existing() {
    std::array<char, 1 << 16> chunk;
    for (;;) {
      const ssize_t n = ::read(fd_, chunk.data(), chunk.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure("cannot be read");
      if (n == 0) break;
      size_ += static_cast<std::uint64_t>(n);
      digest_.update({chunk.data(), static_cast<std::size_t>(n)});
    }
    return size_ > file_.size ? clear() : Status();
  }

  std::unexpected<Error> failure(const char* what) const {
    return fail(fmt::format("{}: {}", what, std::strerror(errno)), path_.string());
  }

  fs::path path_;
  RemoteFile file_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  Digest digest_;
};

/// One connection's worth: continues where the partial file ends. `retry` becomes true when another attempt may help.
Status fetch_rest(const Hub& hub, const Url& url, PartialFile& partial, const RemoteFile& file,
                  const DownloadOptions& options, bool& retry) {
  retry = true;
  const HttpSink sink{.on_header = [&](const HttpHeader& header) -> Status {
                        if (header.status == 206 && header.offset == partial.size()) return {};
                        if (header.status == 200) return partial.size() > 0 ? partial.clear() : Status();
                        retry = header.status >= 500 || header.status == 429;
                        if (header.status == 401 || header.status == 403)
                          return fail(fmt::format("the hub refuses access (HTTP {})", header.status), url.text(), {},
                                      "Set HF_TOKEN to a token of an account that accepted the model's licence");
                        return fail(fmt::format("the hub answered with HTTP {}", header.status), url.text(),
                                    "200 or 206");
                      },
                      .on_body = [&](std::string_view bytes) -> Status {
                        if (auto status = partial.append(bytes); !status) {
                          retry = false;
                          return status;
                        }
                        if (options.on_progress) options.on_progress(file, partial.size());
                        return {};
                      }};
  SW_ASSIGN(const HttpHeader header,
            http_get({.url = url, .token = hub.token, .offset = partial.size(), .stall_timeout = options.stall_timeout},
                     sink));
  if (partial.size() < file.size)
    return fail(fmt::format("the file ends after {} bytes", partial.size()), url.text(),
                fmt::format("{} bytes", file.size));
  return {};
}

}  // namespace

Result<fs::path> download(const Hub& hub, const RemoteFile& file, const DownloadOptions& options) {
  SW_TRY(check_repository(options.repository));
  SW_TRY(check_path(file.path));
  const fs::path target = options.folder / file.path;
  std::error_code error;
  if (fs::is_regular_file(target, error) && fs::file_size(target, error) == file.size) return target;

  fs::create_directories(target.parent_path(), error);
  if (error) return fail("cannot make the folder: " + error.message(), target.parent_path().string());
  SW_ASSIGN(PartialFile partial, PartialFile::open(target.string() + ".part", file));
  const fs::space_info space = fs::space(target.parent_path(), error);
  if (!error && space.available < file.size - partial.size())
    return fail(fmt::format("the disk has {} bytes left", space.available), target.string(),
                fmt::format("{} bytes", file.size - partial.size()),
                "Make room, or set XDG_DATA_HOME to a folder on another disk");

  SW_ASSIGN(const Url url, Url::parse(fmt::format("{}/{}/resolve/{}/{}", hub.endpoint, options.repository,
                                                  escape_path(options.revision), escape_path(file.path))));
  for (int attempt = 1; partial.size() < file.size; ++attempt) {
    const std::uint64_t before = partial.size();
    bool retry = false;
    const Status status = fetch_rest(hub, url, partial, file, options, retry);
    if (status) break;
    if (partial.size() > before) attempt = 1;  // only attempts without progress count
    if (!retry || attempt >= options.attempts) return std::unexpected(status.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(200 << attempt, 5000)));
  }
  SW_TRY(partial.commit(target));
  return target;
}

}  // namespace sw
