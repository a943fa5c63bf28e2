// Prints the rate, in GB/s, at which N threads together read memory: each sums its own 512 MiB from front to back, as
// decode reads weights. The best of eight passes, since anything that disturbs a pass only makes it slower.
//
//   bandwidth THREADS
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t words = (std::size_t{512} << 20) / sizeof(std::uint64_t);
constexpr int passes = 8;
using Clock = std::chrono::steady_clock;

}  // namespace

int main(int argc, char** argv) {
  const int n_threads = argc > 1 ? std::atoi(argv[1]) : 0;
  if (n_threads < 1) {
    std::fprintf(stderr, "usage: bandwidth THREADS\n");
    return 2;
  }
  std::barrier together(n_threads);
  std::vector<std::vector<Clock::time_point>> marks(n_threads, std::vector<Clock::time_point>(2 * passes));
  std::vector<std::uint64_t> sums(n_threads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < n_threads; ++t)
      threads.emplace_back([&, t] {
        const auto memory = std::make_unique<std::uint64_t[]>(words);
        std::fill_n(memory.get(), words, t + 1);
        for (int pass = 0; pass < passes; ++pass) {
          together.arrive_and_wait();
          marks[t][2 * pass] = Clock::now();
          std::uint64_t sum = 0;
          for (std::size_t i = 0; i < words; ++i) sum += memory[i];
          marks[t][2 * pass + 1] = Clock::now();
          sums[t] += sum;
        }
      });
  }
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    auto begin = marks[0][2 * pass], end = marks[0][2 * pass + 1];
    for (const auto& of_thread : marks) {
      begin = std::min(begin, of_thread[2 * pass]);
      end = std::max(end, of_thread[2 * pass + 1]);
    }
    best = std::max(best, 8.0 * words * n_threads / std::chrono::duration<double>(end - begin).count());
  }
  for (int t = 0; t < n_threads; ++t)
    if (sums[t] != std::uint64_t{passes} * words * (t + 1)) return 1;
  std::printf("%.2f\n", best / 1e9);
}
