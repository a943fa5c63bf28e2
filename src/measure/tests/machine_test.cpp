#include "measure/machine.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/tests/temporary_folder.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

/// A folder with the system files of a machine that does not exist.
class FakeSystem {
 public:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << text;
  }
  Machine identify() const { return identify_machine(root_.path()); }

 private:
  TemporaryFolder root_;
};

TEST(Machine, a_laptop_is_identified_by_what_its_kernel_says) {
  FakeSystem system;
  std::string cpuinfo;
  for (int thread = 0; thread < 8; ++thread)
    cpuinfo += "processor\t: " + std::to_string(thread) +
               "\nmodel name\t: Fast Chip 9000\ncpu MHz\t\t: 1200.5\nphysical id\t: 0\ncore id\t\t: " +
               std::to_string(thread / 2) + "\nflags\t\t: fpu avx2 fma avx512_vnni avx2ish\n\n";
  system.write("proc/cpuinfo", cpuinfo);
  system.write("proc/meminfo", "MemTotal:       16384000 kB\nMemFree:  5 kB\n");
  const std::string cpu0 = "sys/devices/system/cpu/cpu0/";
  system.write(cpu0 + "cache/index0/level", "1\n");
  system.write(cpu0 + "cache/index0/type", "Data\n");
  system.write(cpu0 + "cache/index0/size", "48K\n");
  system.write(cpu0 + "cache/index0/shared_cpu_list", "0-1\n");
  system.write(cpu0 + "cache/index1/level", "3\n");
  system.write(cpu0 + "cache/index1/type", "Unified\n");
  system.write(cpu0 + "cache/index1/size", "24M\n");
  system.write(cpu0 + "cache/index1/shared_cpu_list", "0-5,7\n");
  system.write(cpu0 + "cpufreq/scaling_governor", "powersave\n");
  system.write(cpu0 + "cpufreq/cpuinfo_max_freq", "4700000\n");
  system.write("sys/devices/system/node/online", "0-1\n");
  system.write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t Some GPU\nIRQ: 5\n");

  const Machine machine = system.identify();
  EXPECT_EQ(machine.cpu, "Fast Chip 9000");
  EXPECT_EQ(machine.features, (std::vector<std::string>{"fma", "avx2", "avx512_vnni"}));
  EXPECT_EQ(machine.sockets, 1);
  EXPECT_EQ(machine.cores, 4);
  EXPECT_EQ(machine.hardware_threads, 8);
  ASSERT_EQ(machine.caches.size(), 2u);
  EXPECT_EQ(machine.caches[0].bytes, 48 << 10);
  EXPECT_EQ(machine.caches[0].shared_by, 2);
  EXPECT_EQ(machine.caches[1].shared_by, 7);
  EXPECT_EQ(machine.last_level_bytes(), 24 << 20);
  EXPECT_EQ(machine.memory_bytes, 16384000LL * 1024);
  EXPECT_EQ(machine.numa_nodes, 2);
  EXPECT_EQ(machine.current_mhz, 1200.5);
  EXPECT_EQ(machine.max_mhz, 4700);
  EXPECT_EQ(machine.governor, "powersave");
  EXPECT_FALSE(machine.is_virtual);
  EXPECT_EQ(machine.gpus, std::vector<std::string>{"Some GPU"});
}

TEST(Machine, an_arm_core_is_named_by_its_part_and_cores_are_counted_per_socket) {
  FakeSystem system;
  system.write("proc/cpuinfo",
               "processor : 0\nFeatures : fp asimd asimddp i8mm\nCPU part : 0xd40\nphysical id : 0\ncore id : 0\n\n"
               "processor : 1\nFeatures : fp asimd asimddp i8mm\nCPU part : 0xd40\nphysical id : 1\ncore id : 0\n");
  const Machine machine = system.identify();
  EXPECT_EQ(machine.cpu, "Neoverse V1");
  EXPECT_EQ(machine.sockets, 2);
  EXPECT_EQ(machine.cores, 2);
  EXPECT_EQ(machine.features, (std::vector<std::string>{"asimd", "asimddp", "i8mm"}));
}

TEST(Machine, a_hypervisor_is_named_only_where_the_processor_reports_one) {
  FakeSystem system;
  system.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
  system.write("proc/cpuinfo", "processor : 0\nflags : fpu\n");
  EXPECT_EQ(system.identify().hypervisor, "");
  system.write("proc/cpuinfo", "processor : 0\nflags : fpu hypervisor\n");
  EXPECT_TRUE(system.identify().is_virtual);
  EXPECT_EQ(system.identify().hypervisor, "KVM");
}

TEST(Machine, files_that_are_missing_or_nonsense_leave_fields_empty) {
  FakeSystem system;
  EXPECT_EQ(system.identify().cpu, "");
  EXPECT_EQ(system.identify().last_level_bytes(), 0);
  system.write("proc/cpuinfo", "processor\n: :\ncpu MHz : fast\n\xff\xfe : \n");
  system.write("proc/meminfo", "MemTotal: 99999999999999999999999999 kB\n");
  system.write("sys/devices/system/cpu/cpu0/cache/index0/level", "x");
  system.write("sys/devices/system/node/online", "3-1,,-");
  const Machine machine = system.identify();
  EXPECT_EQ(machine.memory_bytes, 0);
  EXPECT_EQ(machine.current_mhz, 0);
  EXPECT_GE(machine.numa_nodes, 1);
}

}  // namespace
}  // namespace sw
