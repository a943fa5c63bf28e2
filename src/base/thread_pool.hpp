#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace sw {

/// A fixed set of threads, the caller's among them, that run one short job after another. Between jobs they spin for
/// a while and then sleep, so that the hundreds of jobs of a forward pass start within a microsecond while an idle
/// program uses no CPU. A loop's caller waits only for threads that came to help: one whose core is busy with another
/// program costs its help, not its time slice. Jobs are started by one thread at a time and may not start others.
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
    run(f, true);
  }

  /// f(begin, end, thread) over [0, n) in pieces of `grain`. Each thread takes the pieces of its own stretch in order, so
  /// that what it asks memory for ahead of time is its own, then helps with what is left of the others'. What is computed
  /// must not depend on which thread computes it.
  template <class F>
  void parallel_for(std::int64_t n, std::int64_t grain, F&& f) {
    if (n_threads_ == 1 || n <= grain) {
      for (std::int64_t begin = 0; begin < n; begin += grain) f(begin, std::min(begin + grain, n), 0);
      return;
    }
    const std::int64_t pieces = (n + grain - 1) / grain;
    for (int thread = 0; thread < n_threads_; ++thread) {
      Stretch& stretch = stretches_[static_cast<std::size_t>(thread)];
      stretch.next.store(pieces * thread / n_threads_ * grain, std::memory_order_relaxed);
      stretch.end = std::min(n, pieces * (thread + 1) / n_threads_ * grain);
    }
    const auto work_through = [&](int thread) {
      for (int i = 0; i < n_threads_; ++i) {
        Stretch& stretch = stretches_[static_cast<std::size_t>((thread + i) % n_threads_)];
        for (;;) {
          const std::int64_t begin = stretch.next.fetch_add(grain, std::memory_order_relaxed);
          if (begin >= stretch.end) break;
          f(begin, std::min(begin + grain, stretch.end), thread);
        }
      }
    };
    run(work_through, false);
  }

 private:
  using Job = void (*)(void* job, int thread);

  /// The part of a loop that is one thread's to begin with.
  struct alignas(64) Stretch {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  template <class F>
  void run(F& f, bool everyone) {
    run([](void* job, int thread) { (*static_cast<F*>(job))(thread); }, const_cast<void*>(static_cast<const void*>(&f)),
        everyone);
  }
  void run(Job job, void* argument, bool everyone);
  void work(int thread);

  const int n_threads_;
  const bool crowded_;  // more threads than cores: whoever waits keeps another from working
  Job job_ = nullptr;
  void* argument_ = nullptr;
  // The job's number in the upper half; below it whether it can still be joined, and how many have.
  alignas(64) std::atomic<std::uint64_t> state_{0};
  alignas(64) std::atomic<int> finished_{0};
  alignas(64) std::atomic<int> sleeping_{0};
  std::vector<Stretch> stretches_;
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> workers_;
};

/// Hardware threads this process may run on (its affinity mask, not the machine's count).
int available_threads();

}  // namespace sw
