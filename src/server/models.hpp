#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/served_model.hpp"

namespace sw {

/// The models this server was started with: which are in memory, and who waits for one that is being loaded. One
/// thread loads, unloads and frees them, so that nobody else has to wait. All functions may be called from any thread.
class Models {
 public:
  enum class State { unloaded, loading, ready, failed };

  struct Info {
    ModelConfig config;
    State state = State::unloaded;
    std::string error;                   ///< of State::failed
    std::shared_ptr<ServedModel> model;  ///< of State::ready
  };

  Models(std::vector<ModelConfig> configs, EngineOptions options, int n_threads, Delivery::Post post);
  /// Frees all models.
  ~Models();
  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;

  /// Loads every model with ModelConfig::preload. `done` is called with the first error, or none.
  void preload(std::function<void(const std::string& error)> done);

  using Ready = std::function<void(Api<std::shared_ptr<ServedModel>>)>;
  /// The model of that name, the first one where it is empty. It is loaded where it is not in memory; then `ready` is
  /// called later, on another thread.
  void acquire(const std::string& name, Ready ready);
  /// Lets its requests finish, then frees it. `done` is called when it is out of memory; an error names an unknown one.
  void unload(const std::string& name, std::function<void(Api<void>)> done);
  /// Unloads what nobody asked for as long as its configuration says.
  void unload_idle();

  std::vector<Info> list() const;
  std::optional<Info> find(const std::string& name) const;
  bool all_preloaded() const;

  /// Refuses new requests everywhere and waits for the others, at most `limit`.
  void drain(std::chrono::milliseconds limit);

 private:
  struct Entry {
    Info info;
    std::vector<Ready> waiting;
    std::chrono::steady_clock::time_point last_used = std::chrono::steady_clock::now();
  };
  /// Jobs for the thread; shared with the models' deleters, which may outlive this object.
  struct Jobs {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> queue;
    bool stopping = false;
    void add(std::function<void()> job);
    void run();
  };
  Entry* find_entry(const std::string& name);
  void start_loading(Entry& entry);
  void load(Entry& entry);

  const EngineOptions options_;
  const Delivery::Post post_;
  const std::shared_ptr<Compute> compute_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Entry>> entries_;  // fixed after construction
  std::shared_ptr<Jobs> jobs_ = std::make_shared<Jobs>();
  std::jthread thread_;
};

std::string_view name(Models::State state);

}  // namespace sw
