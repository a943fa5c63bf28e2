#include "model/checkpoint_io.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "formats/gguf.hpp"
#include "formats/hf_folder.hpp"
#include "model/families/family.hpp"
#include "model/families/hf_config.hpp"
#include "model/families/hf_import.hpp"
#include "model/spec_tensors.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> in(const fs::path& path, Error error) {
  if (error.where.empty()) error.where = path.string();
  return std::unexpected(std::move(error));
}

/// The model's name: its folder's.
std::string folder_name(const fs::path& path) {
  std::error_code ignored;
  const fs::path full = fs::weakly_canonical(path, ignored);
  return (full.has_filename() ? full : full.parent_path()).filename().string();
}

/// tokenizer_config.json with the chat template that newer folders keep in a file of its own.
std::string with_chat_template(std::string tokenizer_config, const std::string& chat_template) {
  if (chat_template.empty()) return tokenizer_config;
  auto config = nlohmann::json::parse(tokenizer_config, nullptr, false);
  if (!config.is_object()) config = nlohmann::json::object();
  config["chat_template"] = chat_template;
  return config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<OpenedCheckpoint> open_folder(const fs::path& path) {
  SW_ASSIGN(HfFolder folder, read_hf_folder(path));
  if (!folder.unsupported.empty())
    return fail(fmt::format("tensor '{}' holds {}", folder.unsupported.front().name, folder.unsupported.front().dtype),
                path.string(), "weights in F32, F16 or BF16");
  const auto config = flatten_config(folder.config);
  if (!config) return in(path / "config.json", config.error());
  auto imported = import_hf(*config, folder.tensors, folder_name(path));
  if (!imported) return in(path, imported.error());
  imported->files = std::move(folder.files);

  OpenedCheckpoint opened{std::move(*imported), nullptr};
  if (folder.tokenizer.empty()) return opened;
  auto tokenizer = Tokenizer::from_json(
      folder.tokenizer, with_chat_template(folder.tokenizer_config, folder.chat_template), folder.generation_config);
  if (!tokenizer) return in(path / "tokenizer.json", tokenizer.error());
  opened.tokenizer = std::move(*tokenizer);
  return opened;
}

Result<OpenedCheckpoint> open_gguf(const fs::path& path) {
  SW_ASSIGN(Checkpoint checkpoint, read_gguf(path));
  OpenedCheckpoint opened{std::move(checkpoint), nullptr};
  SW_ASSIGN(const std::string kind, opened.checkpoint.metadata.string_or("tokenizer.ggml.model", "none"));
  if (kind == "none" || kind == "no_vocab") return opened;
  auto tokenizer = Tokenizer::from_metadata(opened.checkpoint.metadata);
  if (!tokenizer) return in(path, tokenizer.error());
  opened.tokenizer = std::move(*tokenizer);
  return opened;
}

std::string known_families() {
  std::string names;
  for (const Family* family : families()) names += (names.empty() ? "" : ", ") + std::string(family->architecture);
  return names;
}

}  // namespace

Result<OpenedCheckpoint> open_checkpoint(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return fail("no such file or folder", path.string(), "a GGUF file or a Hugging Face folder",
                "Give a path, or fetch a model by name: speedwins pull OWNER/NAME");
  return fs::is_directory(path, ignored) ? open_folder(path) : open_gguf(path);
}

Result<ModelSpec> read_spec(const Checkpoint& checkpoint, int context) {
  const std::string where = checkpoint.files.empty() ? std::string{} : checkpoint.files.front()->path().string();
  const auto architecture = checkpoint.metadata.string("general.architecture");
  if (!architecture) return in(where, architecture.error());
  const Family* family = find_family(*architecture);
  if (!family)
    return fail(fmt::format("the model's architecture is '{}', which this program does not run", *architecture), where,
                "one of " + known_families());
  auto spec = family->spec(checkpoint, context);
  if (!spec) return in(where, spec.error());
  if (auto checked = check_tensors(*spec, checkpoint); !checked) return in(where, checked.error());
  return spec;
}

}  // namespace sw
