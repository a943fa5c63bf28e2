#pragma once

#include <array>
#include <span>
#include <string>

#include "measure/profile.hpp"

namespace sw {

/// The eleven learning modules, by number (content/modules.toml).
inline constexpr std::array<const char*, 11> module_titles = {
    "Measurement",          "Small model baseline",      "Attention", "State space models", "Hybrid architectures",
    "Routing and cascades", "Distillation and training", "Memory",    "Mixture of experts", "Production",
    "Research frontiers"};

/// The module whose techniques first come to mind for such an op.
int module_of(const OpProfile& op);

/// What a module could change of the time that was measured.
struct ModuleReach {
  int module = 0;
  std::string what;  ///< which time it is about
  double share = 0;  ///< of all of it
};
/// All modules, in their order.
std::array<ModuleReach, 11> reach_of_modules(std::span<const PhaseProfile> phases);

}  // namespace sw
