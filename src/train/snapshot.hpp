#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "train/batches.hpp"
#include "train/optimizer.hpp"
#include "train/parameters.hpp"

namespace sw::train {

/// How far a run is.
struct Progress {
  std::int64_t step = 0;    ///< updates done
  std::int64_t tokens = 0;  ///< seen
  Cursor cursor;
};

/// All that a run is made of: with the recipe and its data it goes on to the same bits.
struct RunState {
  Parameters& parameters;
  Optimizer& optimizer;
  Average* average;  ///< null: none
  Progress& progress;
};

/// Writes FOLDER/step-000000001200.safetensors, complete or not at all, then removes all but the newest `keep`.
/// `identity` tells models apart.
Status save_snapshot(const std::filesystem::path& folder, const RunState& state, const std::string& identity,
                     std::int64_t keep);
/// Takes over the newest snapshot there is; false: there is none. One of another model is an Error.
Result<bool> load_snapshot(const std::filesystem::path& folder, RunState state, const std::string& identity);
/// The newest; empty: none.
std::filesystem::path newest_snapshot(const std::filesystem::path& folder);

}  // namespace sw::train
