#include "train/publish.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "formats/safetensors.hpp"
#include "model/convert.hpp"
#include "train/hf_export.hpp"

namespace sw::train {
namespace {

Status write_text(const std::filesystem::path& path, std::string_view text) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SW_TRY(file.write(text));
  return file.commit();
}

std::string generation_config(const Tokenizer& tokenizer) {
  nlohmann::ordered_json config = {{"do_sample", false}};
  if (!tokenizer.stop_ids().empty()) config["eos_token_id"] = tokenizer.stop_ids();
  return config.dump(2) + "\n";
}

}  // namespace

Status publish(const Workspace& space, const std::filesystem::path& folder, ThreadPool& pool) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail("the folder cannot be made: " + error.message(), folder.string());
  SW_ASSIGN(const auto tensors,
            published(*space.family, space.metadata, space.parameters, space.parameters.values(), Content::weights));
  std::vector<TensorSource> sources;
  for (const PublishedTensor& tensor : tensors)
    sources.push_back({tensor.name, DType::f32, tensor.shape,
                       [&tensor](const ByteSink& sink) { return sink(std::as_bytes(std::span(tensor.values))); }});
  const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};
  SW_TRY(write_safetensors(folder / "model.safetensors", sources, metadata));
  SW_TRY(write_text(folder / "config.json", space.config_json));
  SW_TRY(write_text(folder / "generation_config.json", generation_config(*space.tokenizer)));
  SW_TRY(write_text(folder / "tokenizer.json", space.tokenizer_json));
  SW_TRY(write_text(folder / "tokenizer_config.json", space.tokenizer_config_json));
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(folder));
  return convert(opened, folder.string() + ".gguf", pool, {});
}

}  // namespace sw::train
