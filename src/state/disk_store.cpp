#include "state/disk_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace sw {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view extension = ".state";

/// What stands before the bytes in a file.
struct Header {
  std::array<char, 8> magic;
  std::uint64_t bytes;
  PrefixKey key;
  std::array<char, 32> sha256;  // of the bytes
};
static_assert(sizeof(Header) == 64);

Header header_of(const PrefixKey& key, std::span<const std::byte> bytes) {
  Header header{.magic = {'s', 'w', 's', 't', 'a', 't', 'e', '1'}, .bytes = bytes.size(), .key = key, .sha256 = {}};
  Digest digest = Digest::sha256();
  digest.update(bytes);
  std::ranges::copy(digest.bytes(), header.sha256.begin());
  return header;
}

bool read_fully(int fd, void* to, std::size_t n) {
  auto* out = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::read(fd, out, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    n -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<PrefixKey> key_of(const fs::path& path) {
  if (path.extension() != extension) return std::nullopt;
  const std::string name = path.stem().string();
  PrefixKey key;
  if (name.size() != 2 * key.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    const int high = digit(name[2 * i]), low = digit(name[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key.bytes[i] = static_cast<char>(high * 16 + low);
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<DiskStore>> DiskStore::open(const PrefixKey& model, Options options) {
  const fs::path folder = options.folder / model.hex();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail("cannot make the folder: " + error.message(), folder.string(), {},
                "Choose another folder for the cache, or switch it off");
  std::unique_ptr<DiskStore> store(new DiskStore(folder, std::move(options)));
  store->sweep();
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (const auto key = key_of(entry.path())) store->known_.try_emplace(*key);
  store->thread_ = std::jthread([s = store.get()] { s->work(); });
  return store;
}

DiskStore::DiskStore(fs::path folder, Options options) : folder_(std::move(folder)), options_(std::move(options)) {}

DiskStore::~DiskStore() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
}

fs::path DiskStore::path_of(const PrefixKey& key) const {
  return folder_ / (key.hex() + std::string(extension));
}

bool DiskStore::contains(const PrefixKey& key) const {
  const std::lock_guard lock(mutex_);
  return known_.contains(key);
}

void DiskStore::write(const PrefixKey& key, std::span<const std::byte> bytes, int depth, std::uint64_t tag) {
  auto* begin = const_cast<std::byte*>(bytes.data());
  queue({Job::Kind::write, key, {begin, bytes.size()}, depth, tag});
}

void DiskStore::read(const PrefixKey& key, std::span<std::byte> bytes, int depth, std::uint64_t tag) {
  queue({Job::Kind::read, key, bytes, depth, tag});
}

void DiskStore::touch(const PrefixKey& key, int depth) {
  constexpr auto often_enough = std::chrono::minutes(10);
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(key);
    if (found == known_.end() || now - found->second < often_enough) return;
    found->second = now;
  }
  queue({Job::Kind::touch, key, {}, depth, 0});
}

void DiskStore::queue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    // Somebody waits for a read.
    const bool first = job.kind == Job::Kind::read;
    if (job.kind == Job::Kind::write) bytes_queued_ += job.bytes.size();
    const auto place =
        first ? std::ranges::find_if(jobs_, [](const Job& j) { return j.kind != Job::Kind::read; }) : jobs_.end();
    jobs_.insert(place, job);
  }
  changed_.notify_all();
}

std::vector<DiskStore::Finished> DiskStore::finished() {
  const std::lock_guard lock(mutex_);
  return std::exchange(finished_, {});
}

void DiskStore::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty() && !busy_; });
}

std::uint64_t DiskStore::bytes_queued() const {
  const std::lock_guard lock(mutex_);
  return bytes_queued_;
}

std::uint64_t DiskStore::bytes_on_disk() const {
  const std::lock_guard lock(mutex_);
  return bytes_on_disk_;
}

void DiskStore::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const Job job = jobs_.front();
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    const bool ok = run(job);
    lock.lock();
    busy_ = false;
    if (job.kind == Job::Kind::write) bytes_queued_ -= job.bytes.size();
    if (job.kind != Job::Kind::touch) finished_.push_back({job.tag, ok});
    if (ok)
      known_[job.key] = std::chrono::steady_clock::now();
    else
      known_.erase(job.key);
    lock.unlock();
    changed_.notify_all();
    if (job.kind != Job::Kind::touch && options_.on_finished) options_.on_finished();
    lock.lock();
  }
}

bool DiskStore::run(const Job& job) {
  switch (job.kind) {
    case Job::Kind::write: {
      if (!write_file(job)) return false;
      mark_used(job);
      const std::uint64_t bytes = sizeof(Header) + job.bytes.size();
      {
        const std::lock_guard lock(mutex_);
        bytes_on_disk_ += bytes;
      }
      written_since_sweep_ += bytes;
      // Often enough to stay near the limit, seldom enough to cost nothing.
      if (written_since_sweep_ > options_.max_bytes / 32) sweep();
      std::error_code gone;
      return fs::exists(path_of(job.key), gone);
    }
    case Job::Kind::read: {
      if (!read_file(job)) {
        std::error_code ignored;
        fs::remove(path_of(job.key), ignored);
        return false;
      }
      mark_used(job);
      return true;
    }
    case Job::Kind::touch:
      mark_used(job);
      return true;
  }
  return false;
}

Status DiskStore::write_file(const Job& job) const {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path_of(job.key)));
  const Header header = header_of(job.key, job.bytes);
  SW_TRY(file.write(std::as_bytes(std::span(&header, 1))));
  SW_TRY(file.write(job.bytes));
  return file.commit(false);
}

Status DiskStore::read_file(const Job& job) const {
  const fs::path path = path_of(job.key);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("cannot open the file", path.string());
  Header header;
  struct stat info {};
  const bool read = ::fstat(fd, &info) == 0 && std::cmp_equal(info.st_size, sizeof header + job.bytes.size()) &&
                    read_fully(fd, &header, sizeof header) && read_fully(fd, job.bytes.data(), job.bytes.size());
  ::close(fd);
  const Header expected = header_of(job.key, job.bytes);
  if (!read || std::memcmp(&header, &expected, sizeof header) != 0)
    return fail("does not hold what was written", path.string());
  return {};
}

void DiskStore::mark_used(const Job& job) const {
  // Deeper blocks look older, so that a text is forgotten from its end.
  timespec times[2]{};
  ::clock_gettime(CLOCK_REALTIME, &times[1]);
  times[1].tv_sec -= job.depth;
  times[0].tv_nsec = UTIME_OMIT;
  ::utimensat(AT_FDCWD, path_of(job.key).c_str(), times, 0);
}

void DiskStore::sweep() {
  struct File {
    fs::path path;
    fs::file_time_type used;
    std::uint64_t bytes;
  };
  std::vector<File> files;
  std::uint64_t total = 0;
  const auto abandoned = fs::file_time_type::clock::now() - std::chrono::minutes(10);
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(options_.folder, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code gone;
    const fs::path path = it->path();
    const bool state = path.extension() == extension;
    if (!state && path.filename().string().find(std::string(extension) + ".part-") == std::string::npos) continue;
    File file{path, it->last_write_time(gone), 0};
    if (!gone) file.bytes = it->file_size(gone);
    if (gone) continue;
    if (state) {
      total += file.bytes;
      files.push_back(std::move(file));
    } else if (file.used < abandoned) {
      fs::remove(path, gone);  // left by a process that ended while it wrote
    }
  }
  if (total > options_.max_bytes) {
    std::ranges::sort(files, {}, &File::used);
    const std::lock_guard lock(mutex_);
    for (const File& file : files) {
      if (total <= options_.max_bytes) break;
      std::error_code gone;
      fs::remove(file.path, gone);
      total -= file.bytes;
      if (const auto key = key_of(file.path); key && file.path.parent_path() == folder_) known_.erase(*key);
    }
  }
  written_since_sweep_ = 0;
  const std::lock_guard lock(mutex_);
  bytes_on_disk_ = total;
}

Result<fs::path> default_cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return fs::path(cache) / "speedwins/prefixes";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache/speedwins/prefixes";
  return fail("neither XDG_CACHE_HOME nor HOME is set", "the environment", "a folder for prompts that were read");
}

}  // namespace sw
