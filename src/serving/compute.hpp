#pragma once

#include <atomic>
#include <cstdint>

#include "base/thread_pool.hpp"

namespace sw {

/// A lock that is given in the order in which it was asked for.
class Turns {
 public:
  void lock() {
    const std::uint32_t mine = next_.fetch_add(1, std::memory_order_relaxed);
    for (std::uint32_t now; (now = serving_.load(std::memory_order_acquire)) != mine;) serving_.wait(now);
  }
  void unlock() {
    serving_.fetch_add(1, std::memory_order_release);
    serving_.notify_all();
  }

 private:
  std::atomic<std::uint32_t> next_{0}, serving_{0};
};

/// The machine's cores, which engines of several models use step by step in turn.
struct Compute {
  explicit Compute(int n_threads = 0) : pool(n_threads) {}
  ThreadPool pool;
  Turns turns;  ///< held while the pool is used
};

}  // namespace sw
