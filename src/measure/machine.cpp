#include "measure/machine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

namespace sw {
namespace {

namespace fs = std::filesystem;

/// System files have no size: they are read until they end. Missing ones are empty.
std::string read_system_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <class T>
T number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// f(key, value) for every "key : value" line.
template <class F>
void each_field(const std::string& text, F&& f) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    f(trim(std::string_view(line).substr(0, colon)), trim(std::string_view(line).substr(colon + 1)));
  }
}

/// Numbers named by a list like "0-3,8": how many.
int count_list(std::string_view list) {
  int count = 0;
  while (!list.empty()) {
    const std::string_view range = list.substr(0, list.find(','));
    list.remove_prefix(std::min(range.size() + 1, list.size()));
    const auto dash = range.find('-');
    const int first = number<int>(range);
    count += dash == std::string_view::npos ? 1 : std::max(0, number<int>(range.substr(dash + 1)) - first + 1);
  }
  return count;
}

/// "32K", "32768K", "1M"
std::int64_t size_in_bytes(std::string_view text) {
  const auto size = number<std::int64_t>(text);
  if (text.ends_with('K')) return size << 10;
  if (text.ends_with('M')) return size << 20;
  return size;
}

/// Kernel names of features, in the order they are shown.
constexpr std::array features = {"sse4_2",   "avx",      "f16c",     "fma",         "avx2",        "avx_vnni",
                                 "avx512f",  "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
                                 "amx_tile", "amx_int8", "amx_bf16", "asimd",       "asimdhp",     "asimddp",
                                 "i8mm",     "bf16",     "sve",      "sve2"};

/// Arm cores tell their part, not their name (Arm's MIDR_EL1, implementer 0x41).
std::string arm_core(std::string_view part) {
  constexpr std::array<std::pair<std::string_view, const char*>, 9> parts = {{{"0xd03", "Cortex-A53"},
                                                                              {"0xd05", "Cortex-A55"},
                                                                              {"0xd08", "Cortex-A72"},
                                                                              {"0xd0b", "Cortex-A76"},
                                                                              {"0xd0c", "Neoverse N1"},
                                                                              {"0xd40", "Neoverse V1"},
                                                                              {"0xd49", "Neoverse N2"},
                                                                              {"0xd4f", "Neoverse V2"},
                                                                              {"0xd44", "Cortex-X1"}}};
  for (const auto& [id, name] : parts)
    if (id == part) return name;
  return "Arm part " + std::string(part);
}

void read_cpuinfo(const fs::path& root, Machine& machine) {
  std::set<std::string, std::less<>> sockets, cores, found;
  std::string socket, arm_part, hypervisor_vendor;
  each_field(read_system_file(root / "proc/cpuinfo"), [&](std::string_view key, std::string_view value) {
    if (key == "processor") {
      ++machine.hardware_threads;
    } else if (key == "model name" && machine.cpu.empty()) {
      machine.cpu = value;
    } else if (key == "CPU part" && arm_part.empty()) {
      arm_part = value;
    } else if (key == "cpu MHz") {
      machine.current_mhz = std::max(machine.current_mhz, number<double>(value));
    } else if (key == "physical id") {
      sockets.insert(socket = value);
    } else if (key == "core id") {
      cores.insert(socket + "/" + std::string(value));
    } else if ((key == "flags" || key == "Features") && found.empty()) {
      std::istringstream words{std::string(value)};
      found.insert(std::istream_iterator<std::string>(words), {});
    }
  });
  if (machine.cpu.empty() && !arm_part.empty()) machine.cpu = arm_core(arm_part);
  machine.sockets = static_cast<int>(std::max<std::size_t>(1, sockets.size()));
  machine.cores = cores.empty() ? machine.hardware_threads : static_cast<int>(cores.size());
  machine.is_virtual = found.contains("hypervisor");
  for (const char* feature : features)
    if (found.contains(feature)) machine.features.emplace_back(feature);
}

void read_caches(const fs::path& root, Machine& machine) {
  for (int index = 0;; ++index) {
    const fs::path folder = root / "sys/devices/system/cpu/cpu0/cache" / ("index" + std::to_string(index));
    const std::string level = read_system_file(folder / "level");
    if (level.empty()) return;
    machine.caches.push_back({.level = number<int>(level),
                              .type = read_system_file(folder / "type"),
                              .bytes = size_in_bytes(read_system_file(folder / "size")),
                              .shared_by = std::max(1, count_list(read_system_file(folder / "shared_cpu_list")))});
  }
}

void read_hypervisor(const fs::path& root, Machine& machine) {
  const std::string vendor = read_system_file(root / "sys/class/dmi/id/sys_vendor") + " " +
                             read_system_file(root / "sys/class/dmi/id/product_name");
  constexpr std::array<std::pair<std::string_view, const char*>, 9> known = {{{"QEMU", "KVM"},
                                                                              {"KVM", "KVM"},
                                                                              {"Google", "Google Compute Engine"},
                                                                              {"Amazon EC2", "Amazon EC2"},
                                                                              {"Microsoft", "Hyper-V"},
                                                                              {"VMware", "VMware"},
                                                                              {"VirtualBox", "VirtualBox"},
                                                                              {"Xen", "Xen"},
                                                                              {"Firecracker", "Firecracker"}}};
  for (const auto& [mark, name] : known)
    if (machine.is_virtual && vendor.find(mark) != std::string::npos) {
      machine.hypervisor = name;
      return;
    }
}

void read_gpus(const fs::path& root, Machine& machine) {
  std::error_code error;
  for (const auto& gpu : fs::directory_iterator(root / "proc/driver/nvidia/gpus", error))
    each_field(read_system_file(gpu.path() / "information"), [&](std::string_view key, std::string_view value) {
      if (key == "Model") machine.gpus.emplace_back(value);
    });
}

}  // namespace

std::int64_t Machine::last_level_bytes() const {
  std::int64_t largest = 0;
  for (const Cache& cache : caches)
    if (cache.type != "Instruction") largest = std::max(largest, cache.bytes);
  return largest;
}

Machine identify_machine(const fs::path& root) {
  Machine machine;
  read_cpuinfo(root, machine);
  read_caches(root, machine);
  read_hypervisor(root, machine);
  read_gpus(root, machine);
  each_field(read_system_file(root / "proc/meminfo"), [&](std::string_view key, std::string_view value) {
    if (key == "MemTotal") machine.memory_bytes = number<std::int64_t>(value) << 10;
  });
  machine.numa_nodes = std::max(1, count_list(read_system_file(root / "sys/devices/system/node/online")));
  const fs::path frequency = root / "sys/devices/system/cpu/cpu0/cpufreq";
  machine.governor = read_system_file(frequency / "scaling_governor");
  machine.max_mhz = number<double>(read_system_file(frequency / "cpuinfo_max_freq")) / 1e3;
  return machine;
}

}  // namespace sw
