#include "measure/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <random>

#include "base/memory.hpp"
#include "base/thread_pool.hpp"
#include "measure/probes.hpp"

namespace sw {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Many short runs rather than few long ones: on a busy machine some of them fall between the others' time slices.
constexpr int repetitions = 30;
constexpr double repetition_seconds = 0.004;

/// The shortest of several runs of work(rounds), per round, in seconds. Rounds are doubled until a run is long enough
/// to be timed.
template <class F>
double best_seconds(F&& work) {
  std::int64_t rounds = 1;
  double best = 0;
  const auto time = [&] {
    const auto start = Clock::now();
    work(rounds);
    return seconds_since(start);
  };
  for (best = time(); best < repetition_seconds && rounds < std::int64_t{1} << 40; best = time()) rounds *= 2;
  for (int i = 1; i < repetitions; ++i) best = std::min(best, time());
  return best / static_cast<double>(rounds);
}

double peak_gop_s(const PeakProbe& probe, ThreadPool& pool) {
  constexpr std::int64_t iterations = 4096;
  const double seconds =
      best_seconds([&](std::int64_t rounds) { pool.parallel([&](int) { probe.run(rounds * iterations); }); });
  return probe.operations_per_iteration * static_cast<double>(iterations) * pool.size() / seconds / 1e9;
}

/// Every thread reads its own part of `data`, over and over, a piece at a time.
double read_gb_s(const ReadProbe& probe, const std::byte* data, std::size_t bytes, ThreadPool& pool) {
  constexpr std::size_t most_at_once = 4 << 20, step = 4096;
  const std::size_t part = bytes / static_cast<std::size_t>(pool.size()) / step * step;
  const std::size_t piece = std::min(part, most_at_once), pieces = piece == 0 ? 0 : part / piece;
  if (pieces == 0) return 0;
  std::size_t read = 0;  // pieces so far: each run goes on where the one before ended
  const double seconds = best_seconds([&](std::int64_t rounds) {
    const auto n = static_cast<std::size_t>(rounds);
    pool.parallel([&](int thread) {
      const std::byte* own = data + static_cast<std::size_t>(thread) * part;
      for (std::size_t i = 0; i < n; ++i) probe.run(own + (read + i) % pieces * piece, piece);
    });
    read += n;
  });
  return static_cast<double>(piece) * pool.size() / seconds / 1e9;
}

double barrier_us(ThreadPool& pool) {
  return 1e6 * best_seconds([&](std::int64_t rounds) {
           for (std::int64_t i = 0; i < rounds; ++i) pool.parallel([](int) {});
         });
}

/// Follows a random cycle through the cache lines of `bytes` bytes, so that no prefetcher knows the next one.
double latency_ns(std::byte* data, std::size_t bytes) {
  struct alignas(64) Line {
    Line* next;
  };
  const std::size_t n = bytes / sizeof(Line);
  auto* lines = reinterpret_cast<Line*>(data);
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  for (std::size_t i = 0; i < n; ++i) lines[order[i]].next = lines + order[(i + 1) % n];
  Line* at = lines;
  constexpr std::int64_t hops = 65536;
  const double seconds = best_seconds([&](std::int64_t rounds) {
    for (std::int64_t i = 0; i < rounds * hops; ++i) at = at->next;
    asm volatile("" : "+r"(at));
  });
  return seconds / static_cast<double>(hops) * 1e9;
}

/// Beyond every cache, but a small part of the machine's memory.
std::size_t memory_working_set(const Machine& machine) {
  const std::int64_t wanted = std::max<std::int64_t>(256 << 20, 4 * machine.last_level_bytes());
  const std::int64_t allowed = machine.memory_bytes > 0 ? machine.memory_bytes / 8 : wanted;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(std::min(wanted, allowed), 1 << 20, 1 << 30));
}

std::size_t cache_working_set(const Machine& machine) {
  return static_cast<std::size_t>(machine.last_level_bytes() / 2);
}

}  // namespace

double ThreadLimits::peak_gop_s(Arithmetic arithmetic) const {
  if (arithmetic == Arithmetic::int8) return int8_gop_s;
  // Without BF16 products, 16-bit floats are widened and multiplied as fp32.
  if (arithmetic == Arithmetic::bf16 && bf16_gop_s > 0) return bf16_gop_s;
  return fp32_gop_s;
}

const ThreadLimits& Limits::at(int threads) const {
  for (const ThreadLimits& limits : by_threads)
    if (limits.threads >= threads) return limits;
  return by_threads.back();
}

std::vector<int> thread_counts(int most) {
  std::vector<int> counts;
  for (int n = 1; n < most; n *= 2) counts.push_back(n);
  counts.push_back(std::max(1, most));
  return counts;
}

Limits measure_limits(const Machine& machine, const std::function<void(std::string_view)>& progress) {
  const Probes probes = available_probes();
  Limits limits;
  if (getloadavg(&limits.load_average, 1) != 1) limits.load_average = 0;
  for (const PeakProbe& probe : probes.peaks) {
    if (probe.arithmetic == Arithmetic::int8) limits.int8_instruction = probe.instruction;
    if (probe.arithmetic == Arithmetic::bf16) limits.bf16_instruction = probe.instruction;
    if (probe.arithmetic == Arithmetic::fp32) limits.fp32_instruction = probe.instruction;
  }

  // Without the memory, only what needs none is measured.
  const auto memory = Memory::allocate(memory_working_set(machine));
  std::byte* data = memory ? memory->data() : nullptr;
  const std::size_t bytes = memory ? memory->size() : 0;
  {
    // Touched by the threads that will read it, so that each part lies near its reader.
    ThreadPool pool;
    const std::size_t part = bytes / static_cast<std::size_t>(pool.size());
    pool.parallel([&](int thread) { std::fill_n(data + static_cast<std::size_t>(thread) * part, part, std::byte{1}); });
  }

  for (const int threads : thread_counts(available_threads())) {
    const auto show = [&](std::string_view what) {
      progress(std::string(what) + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"));
    };
    ThreadPool pool(threads);
    ThreadLimits row{.threads = threads};
    if (data) {
      show("read bandwidth");
      row.memory_gb_s = read_gb_s(probes.read, data, bytes, pool);
      row.cache_gb_s = read_gb_s(probes.read, data, std::min(bytes, cache_working_set(machine)), pool);
    }
    for (const PeakProbe& probe : probes.peaks) {
      show(probe.instruction);
      const double gop_s = peak_gop_s(probe, pool);
      if (probe.arithmetic == Arithmetic::int8) row.int8_gop_s = gop_s;
      if (probe.arithmetic == Arithmetic::bf16) row.bf16_gop_s = gop_s;
      if (probe.arithmetic == Arithmetic::fp32) row.fp32_gop_s = gop_s;
    }
    show("barrier");
    row.barrier_us = threads > 1 ? barrier_us(pool) : 0;
    limits.by_threads.push_back(row);
  }

  if (!data) return limits;
  for (const Cache& cache : machine.caches) {
    if (cache.type == "Instruction" || cache.bytes / 2 < 4096 || static_cast<std::size_t>(cache.bytes) > bytes)
      continue;
    const std::string level = "L" + std::to_string(cache.level);
    progress("latency of " + level);
    limits.latency.push_back({level, cache.bytes / 2, latency_ns(data, static_cast<std::size_t>(cache.bytes / 2))});
  }
  progress("latency of memory");
  limits.latency.push_back({"memory", static_cast<std::int64_t>(bytes), latency_ns(data, bytes)});
  return limits;
}

}  // namespace sw
