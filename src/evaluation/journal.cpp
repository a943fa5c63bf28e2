#include "evaluation/journal.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/file.hpp"

namespace sw {
namespace {

Error system_error(const char* what, const std::filesystem::path& path) {
  return {fmt::format("{}: {}", what, std::strerror(errno)), path.string(), {}, {}};
}

/// "3 0.5 1e-3" into step and values; false where it is anything else.
bool parse(std::string_view line, std::int64_t& step, std::vector<double>& values) {
  const char *at = line.data(), *end = at + line.size();
  auto read = std::from_chars(at, end, step);
  if (read.ec != std::errc()) return false;
  while (read.ptr != end) {
    if (*read.ptr != ' ') return false;
    double value = 0;
    read = std::from_chars(read.ptr + 1, end, value);
    if (read.ec != std::errc()) return false;
    values.push_back(value);
  }
  return true;
}

}  // namespace

Result<Journal> Journal::open(const std::filesystem::path& path, std::string_view key, bool resume) {
  Journal journal;
  journal.path_ = path;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  std::size_t keep = 0;
  if (resume && std::filesystem::exists(path, error)) {
    SW_ASSIGN(const std::string text, read_text_file(path));
    const std::string head = std::string(key) + '\n';
    if (text.starts_with(head)) {
      keep = head.size();
      for (std::size_t end = 0; (end = text.find('\n', keep)) != std::string::npos; keep = end + 1) {
        std::int64_t step = 0;
        std::vector<double> values;
        if (!parse(std::string_view(text).substr(keep, end - keep), step, values)) break;
        journal.steps_[step] = std::move(values);
      }
    }
  }
  journal.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal.fd_ < 0) return std::unexpected(system_error("cannot be written", path));
  if (::ftruncate(journal.fd_, static_cast<off_t>(keep)) != 0)
    return std::unexpected(system_error("cannot be written", path));
  const std::string head = std::string(key) + '\n';
  if (keep == 0 && ::write(journal.fd_, head.data(), head.size()) != static_cast<ssize_t>(head.size()))
    return std::unexpected(system_error("cannot be written", path));
  return journal;
}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), steps_(std::move(other.steps_)) {}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

Status Journal::add(std::int64_t step, const std::vector<double>& values) {
  std::string line = fmt::format("{}", step);
  for (const double value : values) line += fmt::format(" {}", value);
  line += '\n';
  // One write: a program killed at any moment leaves whole lines and at most one cut short.
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return std::unexpected(system_error("cannot be written", path_));
  steps_[step] = values;
  return {};
}

void Journal::remove() {
  std::error_code error;
  std::filesystem::remove(path_, error);
}

}  // namespace sw
