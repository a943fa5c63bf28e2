#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace sw {

/// A fixed set of threads, the caller's among them, that run one short job after another. Between jobs they spin for
/// a while and then sleep, so that the hundreds of jobs of a forward pass start within a microsecond while an idle
/// program uses no CPU. Jobs are started by one thread at a time and may not start others.
class ThreadPool {
 public:
  /// `n_threads` ≤ 0: one per hardware thread this process may run on.
  explicit ThreadPool(int n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  /// f(thread) once on every thread, thread in [0, size()).
  template <class F>
  void parallel(F&& f) {
    run([](void* job, int thread) { (*static_cast<std::remove_reference_t<F>*>(job))(thread); }, &f);
  }

  /// f(begin, end, thread) over [0, n) in pieces of `grain`, handed out in order to whichever thread is free.
  /// What is computed must not depend on which thread computes it.
  template <class F>
  void parallel_for(std::int64_t n, std::int64_t grain, F&& f) {
    if (n_threads_ == 1 || n <= grain) {
      if (n > 0) f(std::int64_t{0}, n, 0);
      return;
    }
    next_.store(0, std::memory_order_relaxed);
    parallel([&](int thread) {
      for (;;) {
        const std::int64_t begin = next_.fetch_add(grain, std::memory_order_relaxed);
        if (begin >= n) return;
        f(begin, begin + grain < n ? begin + grain : n, thread);
      }
    });
  }

 private:
  using Job = void (*)(void* job, int thread);

  void run(Job job, void* argument);
  void work(int thread);

  const int n_threads_;
  const bool crowded_;  // more threads than cores: whoever waits keeps another from working
  Job job_ = nullptr;
  void* argument_ = nullptr;
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<int> unfinished_{0};
  alignas(64) std::atomic<int> sleeping_{0};
  alignas(64) std::atomic<std::int64_t> next_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> workers_;
};

/// Hardware threads this process may run on (its affinity mask, not the machine's count).
int available_threads();

}  // namespace sw
