#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace sw {

/// A file mapped read-only; the bytes live as long as the object. Move-only.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  /// Copies `range` (inside bytes()) to `out`. Its pages do not enter this process's memory, and a file that lost its
  /// end is an error, not a signal.
  Status read(std::span<const std::byte> range, std::byte* out) const;
  /// Tells the kernel that `range` (inside bytes()) was consumed: its pages leave this process's memory.
  void release(std::span<const std::byte> range) const;
  /// Tells the kernel that `range` will be read soon.
  void prefetch(std::span<const std::byte> range) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes a file without a name (under a temporary one where the file system needs that) and puts it in place on
/// commit(), so that the target is either the old file, the new one, or absent. Without commit() nothing is left.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& target);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  std::uint64_t bytes_written() const { return written_; }
  /// Flushes to the disk and renames. A failure leaves the target untouched. `durable` false leaves the flushing to the
  /// system: for files that carry a checksum and can be had again.
  Status commit(bool durable = true);

 private:
  AtomicFile() = default;
  Status flush();

  std::filesystem::path target_, temporary_;
  int fd_ = -1;
  bool named_ = false;  ///< there is a file called temporary_
  std::uint64_t written_ = 0;
  std::string buffer_;
};

/// The whole file as text, refused above `max_bytes`.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = 64u << 20);

}  // namespace sw
