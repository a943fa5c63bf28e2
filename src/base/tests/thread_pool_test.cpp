#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace sw {
namespace {

TEST(ThreadPools, RunEveryPieceExactlyOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::int64_t n : {0, 1, 7, 1000})
      for (const std::int64_t grain : {1, 3, 2000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
        pool.parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
          EXPECT_TRUE(thread >= 0 && thread < threads);
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const auto& count : seen) EXPECT_EQ(count, 1);
      }
  }
}

TEST(ThreadPools, RunEveryThreadExactlyOnce) {
  ThreadPool pool(4);
  std::vector<int> seen(4);
  for (int round = 0; round < 200; ++round)
    pool.parallel([&](int thread) { ++seen[static_cast<std::size_t>(thread)]; });
  EXPECT_EQ(seen, std::vector<int>(4, 200));
}

TEST(ThreadPools, WakeAfterSleeping) {
  ThreadPool pool(3);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    std::atomic<int> sum = 0;
    pool.parallel([&](int thread) { sum += thread; });
    EXPECT_EQ(sum, 3);
  }
}

TEST(ThreadPools, WaitForEveryPieceThatAnotherThreadTook) {
  ThreadPool pool(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<int> done(64);  // written without synchronization of its own: the pool's must do
    pool.parallel_for(64, 1, [&](std::int64_t begin, std::int64_t, int thread) {
      if (thread != 0 && round % 10 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
      done[static_cast<std::size_t>(begin)] = 1;
    });
    EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), 64);
  }
}

}  // namespace
}  // namespace sw
