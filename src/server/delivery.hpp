#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "serving/request.hpp"

namespace sw {

/// Whoever an engine's outputs are for.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// On the thread of all connections. `part`: which of the receiver's requests; `at`: when the engine had it.
  virtual void receive(int part, Output&& output, std::chrono::steady_clock::time_point at) = 0;
};

/// Carries outputs from an engine's thread to the thread of all connections, a whole step's at once.
class Delivery : public std::enable_shared_from_this<Delivery> {
 public:
  /// Runs a function on the other thread.
  using Post = std::function<void(std::function<void()>)>;
  explicit Delivery(Post post) : post_(std::move(post)) {}

  Sink sink(std::shared_ptr<Receiver> receiver, int part);
  /// After a step. Outputs that end something go at once.
  void flush();

 private:
  struct Item {
    std::shared_ptr<Receiver> receiver;
    int part;
    Output output;
    std::chrono::steady_clock::time_point at;
  };
  void deliver();

  const Post post_;
  std::mutex mutex_;
  std::vector<Item> items_;
  bool posted_ = false;
};

}  // namespace sw
