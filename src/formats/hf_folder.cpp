#include "formats/hf_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "formats/json.hpp"
#include "formats/utf8.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_text = 256u << 20;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Result<std::string> read_if_present(const fs::path& path) {
  return is_there(path) ? read_text_file(path, longest_text) : std::string{};
}

/// A file of the same folder, whatever the index's author had in mind.
bool is_shard_name(const std::string& name) {
  return name.ends_with(".safetensors") && name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

Status read_single(HfFolder& folder, const fs::path& path) {
  SW_ASSIGN(auto read, read_safetensors(path));
  folder.tensors = std::move(read.tensors);
  folder.unsupported = std::move(read.unsupported);
  folder.files.push_back(std::move(read.file));
  return {};
}

Status read_shard(HfFolder& folder, const std::string& shard, std::set<std::string_view> wanted) {
  const fs::path path = folder.path / shard;
  if (!is_there(path))
    return fail(fmt::format("the shard {} is missing", in_quotes(shard)), path.string(),
                "every file that model.safetensors.index.json lists", "Download it into the folder");
  SW_ASSIGN(auto read, read_safetensors(path));
  for (auto& tensor : read.tensors)
    if (wanted.erase(tensor.name) > 0) folder.tensors.push_back(std::move(tensor));
  for (auto& tensor : read.unsupported)
    if (wanted.erase(tensor.name) > 0) folder.unsupported.push_back(std::move(tensor));
  if (!wanted.empty())
    return fail(fmt::format("the shard has no tensor {}", in_quotes(*wanted.begin())), path.string(),
                "every tensor that model.safetensors.index.json maps to it", "Download the model again");
  folder.files.push_back(std::move(read.file));
  return {};
}

Status read_sharded(HfFolder& folder, const fs::path& path) {
  SW_ASSIGN(const auto text, read_text_file(path, longest_text));
  SW_ASSIGN(const auto index, parse_shard_index(text, path.string()));
  std::map<std::string, std::set<std::string_view>> shards;
  for (const auto& [tensor, shard] : index) shards[shard].insert(tensor);
  for (auto& [shard, tensors] : shards) SW_TRY(read_shard(folder, shard, std::move(tensors)));
  return {};
}

Status read_weights(HfFolder& folder) {
  if (const auto path = folder.path / "model.safetensors"; is_there(path)) return read_single(folder, path);
  if (const auto path = folder.path / "model.safetensors.index.json"; is_there(path)) return read_sharded(folder, path);
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (is_there(folder.path / name))
      return fail(fmt::format("the weights are only there as PyTorch pickles ({})", name), folder.path.string(),
                  "model.safetensors",
                  "Convert them: model.save_pretrained(folder, safe_serialization=True) in transformers");
  return fail("the folder has no weights", folder.path.string(), "model.safetensors or model.safetensors.index.json",
              "Download the whole model");
}

}  // namespace

const TensorView* HfFolder::find(std::string_view name) const {
  const auto it = std::ranges::find(tensors, name, &TensorView::name);
  return it == tensors.end() ? nullptr : &*it;
}

Result<ShardIndex> parse_shard_index(std::string_view text, const std::string& where) {
  SW_ASSIGN(const auto json, parse_json(text, where));
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object())
    return fail("there is no weight_map", where, "an object that gives each tensor's file");
  ShardIndex index;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !is_shard_name(shard.get_ref<const std::string&>()))
      return fail(fmt::format("tensor {} is mapped to {}", in_quotes(tensor), in_quotes(shard.dump())), where,
                  "the name of a .safetensors file in the same folder");
    index.emplace_back(tensor, shard.get<std::string>());
  }
  return index;
}

Result<HfFolder> read_hf_folder(const fs::path& path) {
  HfFolder folder;
  folder.path = path;
  const fs::path config = path / "config.json";
  if (!is_there(config))
    return fail("the folder has no config.json", path.string(), "a model folder as transformers saves it");
  SW_ASSIGN(const auto text, read_text_file(config, longest_text));
  SW_ASSIGN(folder.config, parse_json(text, config.string()));
  if (!folder.config.is_object()) return fail("holds no JSON object", config.string(), "the model's settings");
  SW_ASSIGN(folder.tokenizer, read_if_present(path / "tokenizer.json"));
  SW_ASSIGN(folder.tokenizer_config, read_if_present(path / "tokenizer_config.json"));
  SW_ASSIGN(folder.generation_config, read_if_present(path / "generation_config.json"));
  SW_ASSIGN(folder.chat_template, read_if_present(path / "chat_template.jinja"));
  SW_TRY(read_weights(folder));
  return folder;
}

}  // namespace sw
