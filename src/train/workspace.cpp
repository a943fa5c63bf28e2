#include "train/workspace.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include <fmt/core.h>

#include "base/file.hpp"
#include "formats/hf_folder.hpp"
#include "formats/json.hpp"
#include "model/checkpoint_io.hpp"
#include "model/families/hf_config.hpp"
#include "model/families/hf_import.hpp"
#include "train/bpe_trainer.hpp"
#include "train/random.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

Status write_text(const fs::path& path, std::string_view text) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SW_TRY(file.write(text));
  return file.commit();
}

/// What the prepared data depends on: sizes and times of the files, and the settings that shape them.
Result<std::string> fingerprint(const Recipe& recipe, std::string_view tokenizer) {
  nlohmann::json out = {{"separator", recipe.data.separator},
                        {"prompt_weight", recipe.data.prompt_weight},
                        {"validation_share", recipe.data.validation_share},
                        {"seed", recipe.seed},
                        {"vocab_size", recipe.tokenizer.vocab_size},
                        {"chat", recipe.tokenizer.chat},
                        {"tokenizer", Stream(0, tokenizer).bits(0)}};
  for (const auto* files : {&recipe.data.first, &recipe.data.train, &recipe.data.validation}) {
    out["files"].push_back(nullptr);
    for (const fs::path& file : *files) {
      std::error_code error;
      const auto size = fs::file_size(file, error);
      if (error) return fail("the file cannot be read", file.string(), "a text or .jsonl file of [data]");
      out["files"].push_back({file.string(), size, fs::last_write_time(file, error).time_since_epoch().count()});
    }
  }
  return out.dump(1) + "\n";
}

CorpusOptions corpus_options(const Recipe& recipe) {
  return {.separator = recipe.data.separator, .prompt_weight = recipe.data.prompt_weight};
}

/// Whether a document is for validation: a function of the seed and its number, so that adding documents moves none.
bool is_held_out(const Recipe& recipe, std::uint64_t document) {
  static constexpr const char* stream = "validation";
  return recipe.data.validation.empty() && Stream(recipe.seed, stream).uniform(document) < recipe.data.validation_share;
}

/// What a document is for.
enum class Part { first, train, validation };

/// Calls f(document, part) for all documents.
Status each(const Recipe& recipe, const std::function<Status(const Document&, Part)>& f) {
  const auto all = [&](const std::vector<fs::path>& files, auto&& part) -> Status {
    for (const fs::path& file : files)
      SW_TRY(each_document(file, corpus_options(recipe),
                           [&](const Document& document) { return f(document, part()); }));
    return {};
  };
  std::uint64_t number = 0;
  SW_TRY(all(recipe.data.first, [] { return Part::first; }));
  SW_TRY(all(recipe.data.train, [&] { return is_held_out(recipe, number++) ? Part::validation : Part::train; }));
  return all(recipe.data.validation, [] { return Part::validation; });
}

Result<std::string> train_tokenizer(const Recipe& recipe) {
  BpeTrainer trainer;
  const auto learn = [&](const Document& document, Part part) -> Status {
    if (part == Part::validation) return {};
    for (const Piece& piece : document)
      if (!piece.is_markup) SW_TRY(trainer.add(piece.text));
    return {};
  };
  SW_TRY(each(recipe, learn));
  BpeOptions options{recipe.tokenizer.vocab_size, {end_of_text}};
  if (recipe.tokenizer.chat) options.special = {end_of_text, turn_start, turn_end};
  return trainer.train(options);
}

/// Whether an earlier call left a tokenizer of the size wanted.
bool is_trained(const Recipe& recipe, const fs::path& path) {
  const auto text = read_text_file(path);
  if (!text) return false;
  const auto tokenizer = Tokenizer::from_json(*text, "");
  return tokenizer && (*tokenizer)->vocab_size() == recipe.tokenizer.vocab_size &&
         (*tokenizer)->find(turn_start).has_value() == recipe.tokenizer.chat;
}

/// Positions of the model that the recipe describes.
int positions(const Recipe& recipe) {
  const auto config = nlohmann::json::parse(recipe.model.config_json, nullptr, false);
  const auto known = config.is_object() ? config.value("max_position_embeddings", nlohmann::json()) : nlohmann::json();
  return known.is_number_integer() ? known.get<int>() : recipe.data.sequence;
}

/// The texts of the tokenizer: given, of the model to go on from, or trained; also written to the run's folder.
Status find_tokenizer(const Recipe& recipe, const HfFolder* from, Workspace& out,
                      const std::function<void(std::string_view)>& note) {
  const fs::path own = recipe.out / "tokenizer.json";
  std::error_code ignored;
  if (from) {
    out.tokenizer_json = from->tokenizer;
    out.tokenizer_config_json = from->tokenizer_config;
  } else if (!recipe.tokenizer.path.empty()) {
    SW_ASSIGN(out.tokenizer_json, read_text_file(recipe.tokenizer.path));
    const fs::path config = recipe.tokenizer.path.parent_path() / "tokenizer_config.json";
    if (fs::exists(config, ignored)) {
      SW_ASSIGN(out.tokenizer_config_json, read_text_file(config));
    }
  } else if (is_trained(recipe, own)) {
    SW_ASSIGN(out.tokenizer_json, read_text_file(own));
  } else {
    note(fmt::format("training a tokenizer of {} tokens", recipe.tokenizer.vocab_size));
    SW_ASSIGN(out.tokenizer_json, train_tokenizer(recipe));
  }
  if (out.tokenizer_config_json.empty())
    out.tokenizer_config_json = tokenizer_config({.end_of_text = end_of_text,
                                                  .end_of_turn = recipe.tokenizer.chat ? turn_end : "",
                                                  .chat_template = recipe.tokenizer.chat ? chat_template : "",
                                                  .context = positions(recipe)});
  SW_TRY(write_text(own, out.tokenizer_json));
  SW_TRY(write_text(recipe.out / "tokenizer_config.json", out.tokenizer_config_json));
  SW_ASSIGN(out.tokenizer, Tokenizer::from_json(out.tokenizer_json, out.tokenizer_config_json));
  return {};
}

/// The token after a document's last.
Result<TokenId> document_end(const Tokenizer& tokenizer) {
  if (const auto id = tokenizer.find(end_of_text)) return *id;
  if (tokenizer.eos()) return *tokenizer.eos();
  return fail("the tokenizer has no token that ends a text", "tokenizer.json", "<|endoftext|> or an eos_token");
}

Status tokenize(const Recipe& recipe, const Workspace& space, const fs::path& folder) {
  SW_ASSIGN(const TokenId end, document_end(*space.tokenizer));
  ShardWriter first(folder, "first"), train(folder, "train"), validation(folder, "validation");
  SW_TRY(each(recipe, [&](const Document& document, Part part) {
    ShardWriter& shards = part == Part::first ? first : part == Part::train ? train : validation;
    return shards.add(document, *space.tokenizer, end);
  }));
  SW_TRY(first.finish());
  SW_TRY(train.finish());
  return validation.finish();
}

Status find_data(const Recipe& recipe, Workspace& out, const std::function<void(std::string_view)>& note) {
  const fs::path folder = recipe.out / "data", mark = folder / "prepared.json";
  SW_ASSIGN(const std::string wanted, fingerprint(recipe, out.tokenizer_json));
  const auto present = read_text_file(mark);
  if (!present || *present != wanted) {
    note("tokenizing the data");
    std::error_code error;
    fs::remove_all(folder, error);
    fs::create_directories(folder, error);
    if (error) return fail("the folder cannot be made: " + error.message(), folder.string());
    SW_TRY(tokenize(recipe, out, folder));
    SW_TRY(write_text(mark, wanted));
  }
  SW_ASSIGN(out.first, Shards::open(folder, "first"));
  SW_ASSIGN(out.train, Shards::open(folder, "train"));
  SW_ASSIGN(out.validation, Shards::open(folder, "validation"));
  if (out.train.tokens() < 2 || (recipe.data.first_steps > 0 && out.first.tokens() < 2))
    return fail("there is no text to train on", recipe.file.string(), "documents of at least two tokens in [data]");
  return {};
}

/// Families whose published form keeps projections in one tensor.
TensorLayout layout_of(const Family& family) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(family.tensors, name, &TensorRule::gguf) != family.tensors.end();
  };
  return {.fused_qkv = has("blk.{}.attn_qkv.weight"),
          .fused_gate_up = has("blk.{}.ffn_up.weight") && !has("blk.{}.ffn_gate.weight")};
}

/// What transformers calls the model of a class: "LlamaForCausalLM" → "llama".
std::string model_type(const nlohmann::json& config) {
  const auto classes = config.value("architectures", nlohmann::json::array());
  std::string name = !classes.empty() && classes[0].is_string() ? classes[0].get<std::string>() : "";
  name = name.substr(0, name.find("ForCausalLM"));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

/// config.json with what follows from the tokenizer and the recipe.
Result<nlohmann::json> complete_config(const Recipe& recipe, const Tokenizer& tokenizer) {
  SW_ASSIGN(nlohmann::json config, parse_json(recipe.model.config_json, recipe.file.string()));
  config["vocab_size"] = tokenizer.vocab_size();
  if (!config.contains("max_position_embeddings")) config["max_position_embeddings"] = recipe.data.sequence;
  config["torch_dtype"] = "float32";
  if (!config.contains("model_type")) config["model_type"] = model_type(config);
  config["bos_token_id"] = nullptr;
  if (tokenizer.eos()) config["eos_token_id"] = *tokenizer.eos();
  for (const char* bias : {"attention_bias", "mlp_bias", "use_bias"})
    if (config.value(bias, nlohmann::json()) == true)
      return fail(fmt::format("[model] asks for {}", bias), recipe.file.string(), "false: new models have no biases",
                  "Go on from a checkpoint that has them with from = …");
  return config;
}

Status make_model(const Recipe& recipe, Workspace& out) {
  SW_ASSIGN(const nlohmann::json config, complete_config(recipe, *out.tokenizer));
  out.config_json = config.dump(2) + "\n";
  SW_ASSIGN(const Metadata flat, flatten_config(config));
  SW_ASSIGN(Imported imported, import_config(flat, recipe.name));
  out.family = imported.family;
  out.metadata = imported.checkpoint.metadata;
  SW_ASSIGN(out.spec, imported.family->spec(imported.checkpoint, 0));
  out.spec.tied_head = imported.tied_head;
  SW_ASSIGN(out.parameters, Parameters::create(out.spec, layout_of(*out.family)));
  out.parameters.initialize(recipe.seed);
  return {};
}

Status load_model(const Recipe& recipe, const HfFolder& from, Workspace& out) {
  out.config_json = from.config.dump(2) + "\n";
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(recipe.model.from));
  SW_ASSIGN(out.spec, read_spec(opened.checkpoint));
  out.family = find_family(out.spec.architecture);
  out.metadata = opened.checkpoint.metadata;
  SW_ASSIGN(out.parameters, Parameters::create(out.spec, tensor_layout(opened.checkpoint)));
  return out.parameters.load(opened.checkpoint);
}

}  // namespace

Result<Workspace> prepare(const Recipe& recipe, const std::function<void(std::string_view)>& note) {
  std::error_code error;
  fs::create_directories(recipe.out, error);
  if (error) return fail("the folder cannot be made: " + error.message(), recipe.out.string());
  Workspace out;
  std::optional<HfFolder> from;
  if (!recipe.model.from.empty()) {
    SW_ASSIGN(from, read_hf_folder(recipe.model.from));
  }
  SW_TRY(find_tokenizer(recipe, from ? &*from : nullptr, out, note));
  SW_TRY(find_data(recipe, out, note));
  SW_TRY(from ? load_model(recipe, *from, out) : make_model(recipe, out));
  if (recipe.data.sequence > out.spec.trained_context)
    return fail(fmt::format("sequences of {} tokens were asked for", recipe.data.sequence), recipe.file.string(),
                fmt::format("at most the model's {} positions", out.spec.trained_context));
  if (out.tokenizer->vocab_size() > out.spec.vocab)
    return fail(fmt::format("the tokenizer has {} tokens", out.tokenizer->vocab_size()), recipe.file.string(),
                fmt::format("at most the model's {}", out.spec.vocab));
  return out;
}

}  // namespace sw::train
