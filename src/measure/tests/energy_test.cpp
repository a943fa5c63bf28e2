#include "measure/energy.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/tests/temporary_folder.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

class Energy : public ::testing::Test {
 protected:
  void write(const char* zone, const char* file, const char* value) const {
    fs::create_directories(root / "sys/class/powercap" / zone);
    std::ofstream(root / "sys/class/powercap" / zone / file) << value << '\n';
  }

  TemporaryFolder folder;
  const fs::path& root = folder.path();
};

TEST_F(Energy, packages_are_added_up_and_their_parts_are_not) {
  write("intel-rapl:0", "energy_uj", "1000000");
  write("intel-rapl:1", "energy_uj", "5000000");
  write("intel-rapl:0:0", "energy_uj", "1");
  auto meter = EnergyMeter::open(root);
  ASSERT_TRUE(meter);
  write("intel-rapl:0", "energy_uj", "3000000");
  write("intel-rapl:1", "energy_uj", "5500000");
  write("intel-rapl:0:0", "energy_uj", "9000000");
  EXPECT_DOUBLE_EQ(meter->joules(), 2.5);
}

TEST_F(Energy, a_counter_that_wraps_around_goes_on) {
  write("intel-rapl:0", "energy_uj", "9000000");
  write("intel-rapl:0", "max_energy_range_uj", "10000000");
  auto meter = EnergyMeter::open(root);
  ASSERT_TRUE(meter);
  write("intel-rapl:0", "energy_uj", "500000");
  EXPECT_DOUBLE_EQ(meter->joules(), 1.5);
}

TEST_F(Energy, a_machine_without_counters_says_so) {
  const auto meter = EnergyMeter::open(root);
  ASSERT_FALSE(meter);
  EXPECT_NE(meter.error().what.find("no energy counters"), std::string::npos);
}

}  // namespace
}  // namespace sw
