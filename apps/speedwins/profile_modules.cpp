#include "profile_modules.hpp"

#include <functional>
#include <string_view>

namespace sw {
namespace {

bool is_attention(const OpProfile& op) {
  return op.op == "attention" || op.op == "rope";
}
bool is_recurrent(const OpProfile& op) {
  return op.op.starts_with("ssm");
}
bool is_feed_forward(const OpProfile& op) {
  return op.op == "gate up" || op.op == "up" || op.op == "down";
}
bool is_expert(const OpProfile& op) {
  return op.op.starts_with("moe") || op.op.starts_with("expert") || op.op == "router";
}
bool reads_weights(const OpProfile& op) {
  return op.bytes > 0 && op.op != "attention" && op.op != "ssm scan";
}

}  // namespace

int module_of(const OpProfile& op) {
  if (is_attention(op)) return 2;
  if (is_recurrent(op) && op.op == "ssm scan") return 3;
  if (is_expert(op)) return 8;
  return op.bound == Bound::memory ? 7 : 9;
}

std::array<ModuleReach, 11> reach_of_modules(std::span<const PhaseProfile> phases) {
  double total = 0, unaccounted = 0;
  for (const PhaseProfile& phase : phases) {
    total += phase.ms;
    unaccounted += phase.unaccounted_ms;
  }
  using Which = std::function<bool(const PhaseProfile&, const OpProfile&)>;
  const auto share = [&](const Which& which) {
    double ms = 0;
    for (const PhaseProfile& phase : phases)
      for (const OpProfile& op : phase.ops)
        if (which(phase, op)) ms += op.ms;
    return total > 0 ? ms / total : 0;
  };
  const auto mixer = [](const PhaseProfile&, const OpProfile& op) {
    return is_attention(op) || is_recurrent(op) || op.op == "qkv" || op.op == "attention output";
  };
  const auto weights = [](const PhaseProfile&, const OpProfile& op) { return reads_weights(op); };
  return {{{0, "time in no span", total > 0 ? unaccounted / total : 0},
           {1, "weights: a smaller model has fewer", share(weights)},
           {2, "attention, which grows with context",
            share([](const PhaseProfile&, const OpProfile& op) { return is_attention(op); })},
           {3, "mixing tokens, by a fixed-size state", share(mixer)},
           {4, "mixing tokens, attention in few layers", share(mixer)},
           {5, "requests a smaller model can answer", 1},
           {6, "weights: a student has fewer", share(weights)},
           {7, "ops bound by memory: fewer bytes",
            share([](const PhaseProfile&, const OpProfile& op) { return op.bound == Bound::memory; })},
           {8, "feed-forward: a few experts of many",
            share([](const PhaseProfile&, const OpProfile& op) { return is_feed_forward(op) || is_expert(op); })},
           {9, "decode, arithmetic and overhead", share([](const PhaseProfile& phase, const OpProfile& op) {
              return phase.name == "decode" || op.bound != Bound::memory;
            })},
           {10, "choosing from the whole vocabulary",
            share([](const PhaseProfile&, const OpProfile& op) { return op.op == "head" || op.op == "sample"; })}}};
}

}  // namespace sw
