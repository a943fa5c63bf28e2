#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "train/group.hpp"
#include "train/recipe.hpp"
#include "train/workspace.hpp"

namespace sw::train {

inline constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

/// One update.
struct Step {
  std::int64_t step = 0;  ///< counts from 1
  double loss = 0;        ///< nats per token of the batch, before the update
  double validation = not_measured;
  double rate = 0, norm = 0;  ///< learning rate; gradients' norm before clipping
  std::int64_t tokens = 0;    ///< seen so far
  double tok_s = 0;           ///< of this update
  double flops = 0;           ///< operations per second of this update, those of the model alone
};

struct TrainOptions {
  std::function<void(const Step&, std::int64_t steps)> on_step = {};
  std::function<void(std::string_view)> note = {};
  const std::atomic<bool>* stop = nullptr;  ///< save and return early
  Group* group = nullptr;                   ///< trains with others; null: alone
};

struct TrainOutcome {
  std::vector<Step> curve;  ///< from the first update on, those of earlier calls included
  std::int64_t parameters = 0;
  std::size_t activation_bytes = 0;
  double validation = not_measured;  ///< at the end
  bool finished = false;             ///< all steps done, not stopped
};

/// Trains `space`'s model as the recipe says, going on from the newest snapshot in OUT/checkpoints. A run that is
/// killed and started again ends with the same bits. At the end the parameters are those to publish: the average where
/// there is one. Fails with the step and the tensor when a loss or gradient is not finite, or when the loss rises far
/// above where it began; the last snapshot is then good. In a group all processes call it with the same recipe, and all
/// return the same curve; its losses are those of one process up to the order in which gradients are added.
Result<TrainOutcome> train(const Recipe& recipe, Workspace& space, ThreadPool& pool, const TrainOptions& options);

/// The folder of a run's snapshots.
std::filesystem::path snapshot_folder(const Recipe& recipe);

}  // namespace sw::train
