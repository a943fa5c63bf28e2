#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sw {
namespace {

std::string system_message() {
  return std::strerror(errno);
}

constexpr std::size_t write_buffer_bytes = 1u << 20;

/// The page-aligned part of `range`; shrunk when `inside`, grown otherwise.
std::span<const std::byte> whole_pages(std::span<const std::byte> range, bool inside) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<std::uintptr_t>(range.data());
  auto end = begin + range.size();
  begin = inside ? (begin + page - 1) / page * page : begin / page * page;
  end = inside ? end / page * page : end;
  if (end <= begin) return {};
  return {reinterpret_cast<const std::byte*>(begin), end - begin};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  MappedFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd_ < 0) return fail("cannot open the file: " + system_message(), path.string());
  struct stat info {};
  if (::fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode)) return fail("is not a regular file", path.string());
  file.size_ = static_cast<std::size_t>(info.st_size);
  if (file.size_ > 0) {
    void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_SHARED, file.fd_, 0);
    if (data == MAP_FAILED) return fail("cannot map the file: " + system_message(), path.string());
    file.data_ = static_cast<const std::byte*>(data);
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

Status MappedFile::read(std::span<const std::byte> range, std::byte* out) const {
  const auto at = static_cast<std::size_t>(range.data() - data_);
  for (std::size_t done = 0; done < range.size();) {
    const ssize_t n = ::pread(fd_, out + done, range.size() - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot read the file: " + system_message(), path_.string());
    if (n == 0) return fail("became shorter while it was read", path_.string(), std::to_string(size_) + " bytes");
    done += static_cast<std::size_t>(n);
  }
  return {};
}

void MappedFile::release(std::span<const std::byte> range) const {
  const auto pages = whole_pages(range, true);
  if (!pages.empty()) ::madvise(const_cast<std::byte*>(pages.data()), pages.size(), MADV_DONTNEED);
}

void MappedFile::prefetch(std::span<const std::byte> range) const {
  const auto pages = whole_pages(range, false);
  if (!pages.empty()) ::madvise(const_cast<std::byte*>(pages.data()), pages.size(), MADV_WILLNEED);
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& target) {
  // Renaming onto a device or a folder would replace it.
  std::error_code unknown;
  const auto status = std::filesystem::status(target, unknown);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return fail("exists and is not a regular file", target.string(), {}, "Choose another name");
  AtomicFile file;
  file.target_ = target;
  file.temporary_ = target;
  file.temporary_ += ".part-" + std::to_string(::getpid());
  // Without a name until commit(), where the file system can: then not even kill −9 leaves anything behind.
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  file.fd_ = ::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
  file.named_ = file.fd_ < 0;
  if (file.named_) file.fd_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file.fd_ < 0) return fail("cannot create the file: " + system_message(), file.temporary_.string());
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      named_(other.named_),
      written_(other.written_),
      buffer_(std::move(other.buffer_)) {}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (named_) ::unlink(temporary_.c_str());
}

Status AtomicFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail("cannot write: " + system_message(), temporary_.string(), {},
                  "Free disk space or choose another folder");
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
  return {};
}

Status AtomicFile::write(std::string_view text) {
  written_ += text.size();
  buffer_.append(text);
  return buffer_.size() >= write_buffer_bytes ? flush() : Status{};
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Status AtomicFile::commit(bool durable) {
  SW_TRY(flush());
  if (durable && ::fsync(fd_) != 0) return fail("cannot flush: " + system_message(), temporary_.string());
  if (!named_) {
    const std::string descriptor = "/proc/self/fd/" + std::to_string(fd_);
    ::unlink(temporary_.c_str());  // of an earlier process with this number
    if (::linkat(AT_FDCWD, descriptor.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return fail("cannot name the file: " + system_message(), temporary_.string());
    named_ = true;
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return fail("cannot rename into place: " + system_message(), target_.string());
  ::close(std::exchange(fd_, -1));
  return {};
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  SW_ASSIGN(auto file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes)
    return fail("the file has " + std::to_string(bytes.size()) + " bytes", path.string(),
                "at most " + std::to_string(max_bytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace sw
