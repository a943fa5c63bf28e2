#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// The processor packages' own energy counters (Intel's and AMD's RAPL, by way of the kernel's powercap), where the
/// system lets this user read them. Virtual machines and most containers have none.
class EnergyMeter {
 public:
  /// An Error that says why there is nothing to read. `root`: another one than "/" in tests.
  static Result<EnergyMeter> open(const std::filesystem::path& root = "/");

  /// Joules of all packages since it was opened. Must be called at least once a minute: the counters wrap around.
  double joules();

 private:
  struct Package {
    std::filesystem::path counter;
    std::int64_t range_uj = 0;  ///< where the counter wraps around
    std::int64_t last_uj = 0;
  };
  std::vector<Package> packages_;
  double joules_ = 0;
};

}  // namespace sw
