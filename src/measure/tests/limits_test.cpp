#include "measure/limits.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "measure/machine_cache.hpp"
#include "measure/probes.hpp"
#include "base/tests/temporary_folder.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

MeasuredMachine example() {
  MeasuredMachine measured;
  measured.machine.cpu = "Fast Chip";
  measured.machine.hardware_threads = 2;
  Limits& limits = measured.limits;
  limits.int8_instruction = "vpdpbusd zmm";
  limits.by_threads = {
      {.threads = 1, .memory_gb_s = 20.5, .cache_gb_s = 80, .int8_gop_s = 500, .fp32_gop_s = 100},
      {.threads = 2, .memory_gb_s = 30, .cache_gb_s = 160, .int8_gop_s = 1000, .fp32_gop_s = 200, .barrier_us = 0.4}};
  limits.latency = {{"memory", 256 << 20, 95.5}};
  return measured;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class KeptLimits : public ::testing::Test {
 protected:
  TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path() / "speedwins";
  fs::path file_ = folder_ / "machine.json";
};

TEST_F(KeptLimits, are_read_as_they_were_written) {
  ASSERT_TRUE(write_limits(file_, example()));
  const auto limits = read_limits(file_);
  ASSERT_TRUE(limits) << limits.error().message();
  EXPECT_EQ(limits->int8_instruction, "vpdpbusd zmm");
  EXPECT_EQ(limits->bf16_instruction, "");
  ASSERT_EQ(limits->by_threads.size(), 2u);
  EXPECT_EQ(limits->by_threads[0].memory_gb_s, 20.5);
  EXPECT_EQ(limits->by_threads[1].barrier_us, 0.4);
  ASSERT_EQ(limits->latency.size(), 1u);
  EXPECT_EQ(limits->latency[0].ns, 95.5);
}

TEST_F(KeptLimits, that_are_cut_off_anywhere_are_refused) {
  ASSERT_TRUE(write_limits(file_, example()));
  const std::string whole = text_of(file_);
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    EXPECT_FALSE(read_limits(file_)) << size;
  }
}

TEST_F(KeptLimits, that_cannot_have_been_measured_are_refused) {
  ASSERT_TRUE(write_limits(file_, example()));
  const std::string whole = text_of(file_);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = whole;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << changed;
    return read_limits(file_).has_value();
  };
  EXPECT_TRUE(with("20.5", "21.5"));
  EXPECT_FALSE(with("20.5", "-20.5"));
  EXPECT_FALSE(with("20.5", "\"fast\""));
  EXPECT_FALSE(with("20.5", "1e999"));
  EXPECT_FALSE(with("\"threads\": 2", "\"threads\": 1"));
  EXPECT_FALSE(with("\"by_threads\"", "\"by_thread\""));
}

TEST_F(KeptLimits, of_another_processor_thread_count_or_program_version_have_another_file) {
  const Machine machine = example().machine;
  Machine other = machine;
  other.cpu = "Faster Chip";
  const fs::path file = limits_file(folder_, machine, 2, "1.0");
  EXPECT_EQ(file, limits_file(folder_, machine, 2, "1.0"));
  EXPECT_NE(file, limits_file(folder_, other, 2, "1.0"));
  EXPECT_NE(file, limits_file(folder_, machine, 1, "1.0"));
  EXPECT_NE(file, limits_file(folder_, machine, 2, "1.1"));
}

TEST(Limits, of_threads_in_between_are_those_of_the_next_measured_count) {
  EXPECT_EQ(thread_counts(1), std::vector<int>{1});
  EXPECT_EQ(thread_counts(6), (std::vector<int>{1, 2, 4, 6}));
  EXPECT_EQ(thread_counts(8), (std::vector<int>{1, 2, 4, 8}));
  const Limits limits = example().limits;
  EXPECT_EQ(limits.at(1).threads, 1);
  EXPECT_EQ(limits.at(2).threads, 2);
  EXPECT_EQ(limits.at(64).threads, 2);
}

TEST(Limits, without_bf16_products_bf16_weights_multiply_at_the_fp32_peak) {
  ThreadLimits limits{.int8_gop_s = 400, .fp32_gop_s = 100};
  EXPECT_EQ(limits.peak_gop_s(Arithmetic::bf16), 100);
  limits.bf16_gop_s = 200;
  EXPECT_EQ(limits.peak_gop_s(Arithmetic::bf16), 200);
  EXPECT_EQ(limits.peak_gop_s(Arithmetic::int8), 400);
}

TEST(Probes, of_this_machine_run_and_cover_integers_and_floats) {
  const Probes probes = available_probes();
  bool int8 = false, fp32 = false;
  for (const PeakProbe& probe : probes.peaks) {
    probe.run(100);
    EXPECT_GT(probe.operations_per_iteration, 0) << probe.instruction;
    int8 |= probe.arithmetic == Arithmetic::int8;
    fp32 |= probe.arithmetic == Arithmetic::fp32;
  }
  EXPECT_TRUE(int8 && fp32);
  alignas(64) const std::byte data[4096] = {};
  probes.read.run(data, sizeof(data));
}

}  // namespace
}  // namespace sw
