#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "state/prefix_key.hpp"

namespace sw {

/// Pieces of state in files named by the keys of their texts, written and read by a thread of the store's own. Any
/// number of processes may share a folder: files appear whole (written aside, then renamed), carry a checksum, and one
/// that does not hold what it should is removed and counts as absent. All functions but those of the thread are for one
/// caller.
class DiskStore {
 public:
  struct Options {
    std::filesystem::path folder;       ///< made if absent; holds one folder for each model
    std::uint64_t max_bytes = 0;        ///< of all files under `folder`; the least recently used are removed beyond it
    std::function<void()> on_finished;  ///< called on the store's thread when finished() has something new
  };
  /// `model`: the key of the model's empty text. Counts what is there and removes what was left half written.
  static Result<std::unique_ptr<DiskStore>> open(const PrefixKey& model, Options options);
  ~DiskStore();  ///< finishes the writes

  bool contains(const PrefixKey& key) const;

  /// Queues a write or a read. `bytes` must stay valid, and for a write unchanged, until finished() tells `tag`.
  /// `depth`: blocks before this one in its text; the end of a text goes before its beginning.
  void write(const PrefixKey& key, std::span<const std::byte> bytes, int depth, std::uint64_t tag);
  void read(const PrefixKey& key, std::span<std::byte> bytes, int depth, std::uint64_t tag);
  /// Counts the file as just used.
  void touch(const PrefixKey& key, int depth);

  struct Finished {
    std::uint64_t tag;
    bool ok;
  };
  std::vector<Finished> finished();
  /// Waits for all that is queued.
  void flush();

  std::uint64_t bytes_queued() const;   ///< waiting to be written
  std::uint64_t bytes_on_disk() const;  ///< of all models, as last counted

 private:
  struct Job {
    enum class Kind { write, read, touch } kind;
    PrefixKey key;
    std::span<std::byte> bytes;  ///< a write only reads them
    int depth;
    std::uint64_t tag;
  };
  DiskStore(std::filesystem::path folder, Options options);
  std::filesystem::path path_of(const PrefixKey& key) const;
  void queue(Job job);
  void work();
  bool run(const Job& job);
  Status write_file(const Job& job) const;
  Status read_file(const Job& job) const;
  void mark_used(const Job& job) const;
  /// Counts all files, and removes the least recently used ones beyond max_bytes.
  void sweep();

  const std::filesystem::path folder_;  // of this model
  const Options options_;
  std::uint64_t written_since_sweep_ = 0;  // the thread's own

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<Finished> finished_;
  std::unordered_map<PrefixKey, std::chrono::steady_clock::time_point, PrefixKey::Hash> known_;  // and when last used
  std::uint64_t bytes_queued_ = 0, bytes_on_disk_ = 0;
  bool busy_ = false, stop_ = false;
  std::jthread thread_;
};

/// $XDG_CACHE_HOME/speedwins/prefixes, in ~/.cache by default.
Result<std::filesystem::path> default_cache_folder();

}  // namespace sw
