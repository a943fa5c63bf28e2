#include "base/thread_pool.hpp"

#include <sched.h>

#include <algorithm>

namespace sw {
namespace {

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About a millisecond: longer than the sampling between two decode steps, short beside a person's pause.
constexpr int spins_before_sleep = 20'000;
// The thread waited for may be queued behind this one. To offer the core is dear when it goes to another program, which
// keeps it for milliseconds, so this is for waits that no piece of work explains.
constexpr int spins_before_yield = spins_before_sleep;

}  // namespace

int available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int n_threads)
    : n_threads_(n_threads > 0 ? n_threads : available_threads()), crowded_(n_threads_ > available_threads()) {
  for (int thread = 1; thread < n_threads_; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
}

void ThreadPool::run(Job job, void* argument) {
  if (n_threads_ == 1) return job(argument, 0);
  job_ = job;
  argument_ = argument;
  unfinished_.store(n_threads_ - 1, std::memory_order_relaxed);
  generation_.fetch_add(1);  // sequentially consistent: ordered against a worker's "sleeping" announcement
  if (sleeping_.load() > 0) generation_.notify_all();
  job(argument, 0);
  for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; ++spins) {
    if (crowded_ || spins % spins_before_yield == spins_before_yield - 1) sched_yield();
    pause_cpu();
  }
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    for (int spins = 0; generation_.load(std::memory_order_acquire) == seen; ++spins) {
      if (spins >= spins_before_sleep) {
        sleeping_.fetch_add(1);
        generation_.wait(seen);
        sleeping_.fetch_sub(1);
        spins = 0;
      } else if (crowded_) {
        sched_yield();
      }
      pause_cpu();
    }
    ++seen;
    if (stop_) return;
    job_(argument_, thread);
    unfinished_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace sw
