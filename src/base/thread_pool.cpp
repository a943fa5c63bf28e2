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

constexpr std::uint64_t one_job = std::uint64_t{1} << 32, is_open = std::uint64_t{1} << 31;

std::uint64_t number(std::uint64_t state) {
  return state / one_job;
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int n_threads)
    : n_threads_(n_threads > 0 ? n_threads : available_threads()), crowded_(n_threads_ > available_threads()),
      stretches_(static_cast<std::size_t>(n_threads_)) {
  for (int thread = 1; thread < n_threads_; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  state_.fetch_add(one_job);
  state_.notify_all();
}

void ThreadPool::run(Job job, void* argument, bool everyone) {
  if (n_threads_ == 1) return job(argument, 0);
  job_ = job;
  argument_ = argument;
  finished_.store(0, std::memory_order_relaxed);
  const std::uint64_t next = number(state_.load(std::memory_order_relaxed)) + 1;
  state_.store(next * one_job + is_open);  // sequentially consistent: ordered against a worker's "sleeping"
  if (sleeping_.load() > 0) state_.notify_all();
  job(argument, 0);
  // Whoever has not come by now finds the job closed.
  const auto joined = [&] { return static_cast<int>(state_.fetch_and(~is_open) & (is_open - 1)); };
  const int wanted = everyone ? n_threads_ - 1 : joined();
  for (int spins = 0; finished_.load(std::memory_order_acquire) < wanted; ++spins) {
    if (crowded_ || spins % spins_before_yield == spins_before_yield - 1) sched_yield();
    pause_cpu();
  }
}

void ThreadPool::work(int thread) {
  std::uint64_t seen = 0;  // number of the last job
  for (;;) {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    for (int spins = 0; number(state) == seen; ++spins) {
      if (spins >= spins_before_sleep) {
        sleeping_.fetch_add(1);
        state_.wait(state);
        sleeping_.fetch_sub(1);
        spins = 0;
      } else if (crowded_) {
        sched_yield();
      }
      pause_cpu();
      state = state_.load(std::memory_order_acquire);
    }
    if (stop_) return;
    seen = number(state);
    bool joined = false;
    while (!joined && number(state) == seen && (state & is_open))
      joined = state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire);
    if (!joined) continue;
    job_(argument_, thread);
    finished_.fetch_add(1, std::memory_order_release);
  }
}

}  // namespace sw
