#include "measure/energy.hpp"

#include <algorithm>
#include <fstream>

namespace sw {
namespace {

namespace fs = std::filesystem;

/// −1: cannot be read.
std::int64_t read_number(const fs::path& file) {
  std::ifstream in(file);
  std::int64_t value = -1;
  return in >> value ? value : -1;
}

}  // namespace

Result<EnergyMeter> EnergyMeter::open(const fs::path& root) {
  const fs::path folder = root / "sys/class/powercap";
  std::error_code error;
  EnergyMeter meter;
  bool any = false;
  for (const auto& zone : fs::directory_iterator(folder, error)) {
    // "intel-rapl:0" is a package; "intel-rapl:0:1" is a part of one, counted already.
    const std::string name = zone.path().filename().string();
    if (!name.starts_with("intel-rapl:") || std::ranges::count(name, ':') != 1) continue;
    any = true;
    const fs::path counter = zone.path() / "energy_uj";
    const std::int64_t now = read_number(counter);
    if (now < 0) continue;
    meter.packages_.push_back({counter, read_number(zone.path() / "max_energy_range_uj"), now});
  }
  if (meter.packages_.empty())
    return fail(any ? "the energy counters may be read by root only" : "this machine shows no energy counters",
                folder.string(), "readable intel-rapl packages",
                any ? "Run as root, or give this user read access to energy_uj" : "");
  return meter;
}

double EnergyMeter::joules() {
  for (Package& package : packages_) {
    const std::int64_t now = read_number(package.counter);
    if (now < 0) continue;
    std::int64_t used = now - package.last_uj;
    if (used < 0) used += std::max<std::int64_t>(0, package.range_uj);
    joules_ += static_cast<double>(std::max<std::int64_t>(0, used)) / 1e6;
    package.last_uj = now;
  }
  return joules_;
}

}  // namespace sw
