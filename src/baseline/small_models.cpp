#include "baseline/small_models.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>

#include "formats/layout.hpp"
#include "hub/catalogue.hpp"
#include "model/shapes.hpp"
#include "model/spec_tensors.hpp"
#include "model/synth.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 1> demo = {"demo"};
constexpr std::array<std::string_view, 1> smollm2 = {"HuggingFaceTB/SmolLM2-135M-Instruct"};
constexpr std::array<std::string_view, 2> qwen_05b = {"Qwen/Qwen2.5-0.5B-Instruct-GGUF", "Qwen/Qwen2.5-0.5B-Instruct"};
constexpr std::array<std::string_view, 2> qwen_15b = {"Qwen/Qwen2.5-1.5B-Instruct-GGUF", "Qwen/Qwen2.5-1.5B-Instruct"};
constexpr std::array<std::string_view, 1> gemma_2b = {"google/gemma-2b-it"};
constexpr std::array<std::string_view, 1> gemma2_2b = {"google/gemma-2-2b-it"};
constexpr std::array<std::string_view, 2> qwen_3b = {"Qwen/Qwen2.5-3B-Instruct-GGUF", "Qwen/Qwen2.5-3B-Instruct"};
constexpr std::array<std::string_view, 2> phi3 = {"microsoft/Phi-3-mini-4k-instruct-gguf",
                                                  "microsoft/Phi-3-mini-4k-instruct"};

// Parameters as their model cards give them, embeddings included.
constexpr SmallModel table[] = {
    {"demo", 4.33e6, demo},
    {"smollm2-135m", 135e6, smollm2},
    {"qwen2.5-0.5b", 0.49e9, qwen_05b},
    {"qwen2.5-1.5b", 1.54e9, qwen_15b},
    {"gemma-2b", 2.51e9, gemma_2b},
    {"gemma-2-2b", 2.61e9, gemma2_2b},
    {"qwen2.5-3b", 3.09e9, qwen_3b},
    {"phi-3-mini", 3.82e9, phi3},
};

/// MemAvailable of /proc/meminfo; "as much as there may be" where it does not say.
std::uint64_t available_memory() {
  std::ifstream info("/proc/meminfo");
  for (std::string key; info >> key; info.ignore(1 << 16, '\n')) {
    std::uint64_t kib = 0;
    if (key == "MemAvailable:" && info >> kib) return kib * 1024;
  }
  return std::numeric_limits<std::uint64_t>::max();
}

const ModelShape& shape_of(const SmallModel& model) {
  return *find_model_shape(model.name);
}

}  // namespace

std::span<const SmallModel> small_models() {
  return table;
}

const SmallModel* find_small_model(std::string_view name) {
  const auto* it = std::ranges::find(table, name, &SmallModel::name);
  return it == std::end(table) ? nullptr : it;
}

std::optional<ChosenWeights> pulled_weights(const SmallModel& model) {
  for (const std::string_view name : model.published)
    if (find_model(name))
      return ChosenWeights{std::string(name), true, name == "demo" ? "built in" : std::string(name)};
  return std::nullopt;
}

Result<std::uint64_t> weight_bytes(const SmallModel& model, const FileType& type) {
  SW_ASSIGN(const ModelSpec spec, shape_spec(shape_of(model)));
  const ModelOutline outline{.blocks = static_cast<int>(spec.blocks.size()), .tied_head = spec.tied_head};
  std::uint64_t total = 0;
  for (const SpecTensor& tensor : spec_tensors(spec, shape_of(model).layout)) {
    SW_ASSIGN(const std::uint64_t bytes,
              stored_bytes(tensor_type(type, tensor.name, tensor.shape, outline), tensor.shape));
    total += bytes;
  }
  return total;
}

Status check_room(std::uint64_t needed, std::uint64_t available, std::string_view what, std::string_view name) {
  const std::uint64_t wanted = needed + needed / 5;
  if (available >= wanted) return {};
  return fail(fmt::format("there are {} MB of {}", available / 1000000, what), std::string(name),
              fmt::format("{} MB", wanted / 1000000), "Free some, choose others with --models, or a smaller --quant");
}

Result<ChosenWeights> random_weights(const SmallModel& model, const FileType& type, const fs::path& folder,
                                     ThreadPool& pool,
                                     const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  SW_ASSIGN(const std::uint64_t bytes, weight_bytes(model, type));
  SW_TRY(check_room(bytes, available_memory(), "free memory", model.name));
  const ChosenWeights weights{(folder / fmt::format("{}-{}.gguf", model.name, type.name)).string(), false,
                              fmt::format("random {}", type.name)};
  if (fs::exists(weights.model)) return weights;

  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("cannot be created: " + error.message(), folder.string());
  const fs::space_info space = fs::space(folder, error);
  if (error) return fail("cannot ask for free space: " + error.message(), folder.string());
  SW_TRY(check_room(bytes, space.available, "free disk at " + folder.string(), model.name));
  SW_TRY(synth(shape_of(model), weights.model, pool, {.type = &type, .seed = 0, .progress = progress}));
  return weights;
}

}  // namespace sw
