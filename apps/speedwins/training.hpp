#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/thread_pool.hpp"
#include "commands.hpp"
#include "train/trainer.hpp"

namespace sw {

/// What `train` and `distill` have in common.
struct TrainingFlags {
  std::string recipe;
  int threads = 0;
  bool publish = false;
};

void add_training_flags(CLI::App& command, TrainingFlags& flags);

/// Prepares, calls `before` (for what must be there before the first step), trains, reports, records and publishes.
Result<Report> run_training(const TrainingFlags& flags, const char* command,
                            const std::function<Status(const train::Recipe&, const train::Workspace&, ThreadPool&,
                                                       const std::atomic<bool>& stop)>& before);

}  // namespace sw
