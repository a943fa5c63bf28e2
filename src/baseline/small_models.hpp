#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/file_type.hpp"

namespace sw {

/// A small model of the baseline table.
struct SmallModel {
  std::string_view name;
  double parameters = 0;                        ///< published
  std::span<const std::string_view> published;  ///< where its weights may have been pulled from, best first
};

/// In order of size. All but `demo` have a shape of the same name, so that they can be measured without weights.
std::span<const SmallModel> small_models();
/// Null for a name that is not among them.
const SmallModel* find_small_model(std::string_view name);

/// What a model is measured with.
struct ChosenWeights {
  std::string model;  ///< as load_model() takes it
  bool real = false;  ///< trained; otherwise random at the exact shape
  std::string text;   ///< "Qwen/Qwen2.5-0.5B-Instruct-GGUF", "random Q4_0"
};

/// Weights that were pulled; nothing where there are none.
std::optional<ChosenWeights> pulled_weights(const SmallModel& model);

/// Random weights at the model's exact shape: a file in `folder`, written unless it is there already. Fails before
/// anything is written where the disk has not room for it, or the machine not memory to run it.
Result<ChosenWeights> random_weights(const SmallModel& model, const FileType& type, const std::filesystem::path& folder,
                                     ThreadPool& pool,
                                     const std::function<void(std::uint64_t, std::uint64_t)>& progress);

/// Bytes of all tensors of a model in a file of that type.
Result<std::uint64_t> weight_bytes(const SmallModel& model, const FileType& type);

/// An Error unless `needed` bytes and a fifth more fit into `available`, which is called `what` ("memory") there.
Status check_room(std::uint64_t needed, std::uint64_t available, std::string_view what, std::string_view name);

}  // namespace sw
