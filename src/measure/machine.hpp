#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sw {

struct Cache {
  int level = 0;
  std::string type;  ///< "Data", "Instruction", "Unified"
  std::int64_t bytes = 0;
  int shared_by = 1;  ///< hardware threads
};

/// What the system says the machine is. What it does not say stays empty or 0.
struct Machine {
  std::string cpu;                    ///< model name
  std::vector<std::string> features;  ///< those of its instruction set that matter to matrix products
  int sockets = 0, cores = 0, hardware_threads = 0;
  std::vector<Cache> caches;  ///< as core 0 sees them
  std::int64_t memory_bytes = 0;
  int numa_nodes = 0;
  double current_mhz = 0, max_mhz = 0;
  std::string governor;
  bool is_virtual = false;
  std::string hypervisor;  ///< "KVM"
  std::vector<std::string> gpus;

  /// Of core 0's largest data cache; 0 when unknown.
  std::int64_t last_level_bytes() const;
};

/// Reads /proc and /sys below `root`, another one than "/" in tests.
Machine identify_machine(const std::filesystem::path& root = "/");

}  // namespace sw
