#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "formats/safetensors.hpp"
#include "tensor/tensor.hpp"

namespace sw {

/// A model folder as Hugging Face transformers saves it. Texts of files that the folder lacks are empty.
struct HfFolder {
  std::filesystem::path path;
  nlohmann::json config;          ///< config.json, an object
  std::string tokenizer;          ///< tokenizer.json
  std::string tokenizer_config;   ///< tokenizer_config.json
  std::string generation_config;  ///< generation_config.json
  std::string chat_template;      ///< chat_template.jinja
  std::vector<TensorView> tensors;
  std::vector<UnsupportedTensor> unsupported;
  std::vector<std::shared_ptr<const MappedFile>> files;

  /// Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;
};

/// Opens the folder: weights from model.safetensors, or from the shards that model.safetensors.index.json lists.
Result<HfFolder> read_hf_folder(const std::filesystem::path& path);

/// What model.safetensors.index.json says: each tensor's shard, a plain file name.
using ShardIndex = std::vector<std::pair<std::string, std::string>>;
Result<ShardIndex> parse_shard_index(std::string_view text, const std::string& where);

}  // namespace sw
