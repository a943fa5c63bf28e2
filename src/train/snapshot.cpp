#include "train/snapshot.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/core.h>

#include "formats/safetensors.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "step-";

/// Oldest first: the names have one length, so they sort by step.
std::vector<fs::path> snapshots(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".safetensors" && entry.path().filename().string().starts_with(prefix))
      out.push_back(entry.path());
  std::ranges::sort(out);
  return out;
}

/// The arrays of a run by name, beside the parameters.
std::vector<std::pair<std::string, std::span<float>>> arrays(const RunState& state) {
  auto out = state.optimizer.state();
  if (state.average) out.emplace_back("average", state.average->values());
  return out;
}

TensorSource source(std::string name, Shape shape, std::span<const float> values) {
  return {std::move(name), DType::f32, std::move(shape),
          [values](const ByteSink& sink) { return sink(std::as_bytes(values)); }};
}

Status take(const Safetensors& file, const std::string& name, std::span<float> out, const fs::path& path) {
  const auto it = std::ranges::find(file.tensors, name, &TensorView::name);
  if (it == file.tensors.end() || it->dtype != DType::f32 || it->data.size() != out.size_bytes())
    return fail("'" + name + "' is missing or has another size", path.string(),
                std::to_string(out.size()) + " numbers, as the recipe says", "Choose another 'out' or delete the file");
  std::memcpy(out.data(), it->data.data(), out.size_bytes());
  return {};
}

template <class T>
Status number(const Safetensors& file, std::string_view key, T& out, const fs::path& path) {
  const auto it = std::ranges::find(file.metadata, key, &std::pair<std::string, std::string>::first);
  if (it != file.metadata.end()) {
    const std::string& text = it->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error == std::errc() && end == text.data() + text.size()) return {};
  }
  return fail(fmt::format("there is no number '{}'", key), path.string(), "a snapshot of a training run");
}

}  // namespace

Status save_snapshot(const fs::path& folder, const RunState& state, const std::string& identity, std::int64_t keep) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("the folder cannot be made: " + error.message(), folder.string());
  std::vector<TensorSource> sources;
  for (const Parameter& p : state.parameters.list())
    sources.push_back(source(p.name, p.shape, state.parameters.values(p)));
  for (const auto& [name, values] : arrays(state))
    sources.push_back(source(name, {static_cast<std::int64_t>(values.size())}, values));
  const std::pair<std::string, std::string> metadata[] = {{"step", std::to_string(state.progress.step)},
                                                          {"tokens", std::to_string(state.progress.tokens)},
                                                          {"epoch", std::to_string(state.progress.cursor.epoch)},
                                                          {"chunk", std::to_string(state.progress.cursor.chunk)},
                                                          {"identity", identity}};
  SW_TRY(
      write_safetensors(folder / fmt::format("{}{:012}.safetensors", prefix, state.progress.step), sources, metadata));
  const auto all = snapshots(folder);
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i) fs::remove(all[i], error);
  return {};
}

fs::path newest_snapshot(const fs::path& folder) {
  const auto all = snapshots(folder);
  return all.empty() ? fs::path() : all.back();
}

Result<bool> load_snapshot(const fs::path& folder, RunState state, const std::string& identity) {
  const fs::path path = newest_snapshot(folder);
  if (path.empty()) return false;
  SW_ASSIGN(const Safetensors file, read_safetensors(path));
  const auto it = std::ranges::find(file.metadata, "identity", &std::pair<std::string, std::string>::first);
  if (it == file.metadata.end() || it->second != identity)
    return fail("the snapshot is of another model, optimizer or text", path.string(), "what the recipe says",
                "Choose another 'out' in the recipe, or delete the snapshots to start anew");
  SW_TRY(number(file, "step", state.progress.step, path));
  SW_TRY(number(file, "tokens", state.progress.tokens, path));
  SW_TRY(number(file, "epoch", state.progress.cursor.epoch, path));
  SW_TRY(number(file, "chunk", state.progress.cursor.chunk, path));
  for (const Parameter& p : state.parameters.list()) SW_TRY(take(file, p.name, state.parameters.values(p), path));
  for (const auto& [name, values] : arrays(state)) SW_TRY(take(file, name, values, path));
  return true;
}

}  // namespace sw::train
