#include "load.hpp"

#include <optional>
#include <string>

#include "hub/catalogue.hpp"
#include "measure/stopwatch.hpp"

namespace sw {

void add_model_argument(CLI::App& command, std::string& model) {
  command.add_option("MODEL", model, "A GGUF file, a Hugging Face folder, a pulled name, or demo, demo-small, demo-draft")->required();
}

void add_kv_flag(CLI::App& command, KvType& type) {
  const auto read = [&type](const std::string& wanted) {
    const std::optional<KvType> named = kv_type_named(wanted);
    if (!named) throw CLI::ValidationError("--kv", "'" + wanted + "' is none of f16, bf16, f32, q8, q4");
    type = *named;
  };
  command
      .add_option_function<std::string>(
          "--kv", read,
          "How keys and values are stored: bf16 (default) or f16 (16 bits), f32 (32), q8 (8.5: half the memory, as good "
          "as bf16), q4 (5: a third, answers change)")
      ->type_name("TYPE");
}

void add_model_flags(CLI::App& command, ModelFlags& flags) {
  add_model_argument(command, flags.model);
  command.add_option("-t,--threads", flags.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--ctx", flags.context, "Positions of context (default: what the model was trained for)")
      ->check(CLI::Range(2, 1 << 24));
  add_kv_flag(command, flags.kv_type);
}

Result<LoadedModel> load_model(const ModelFlags& flags) {
  const Stopwatch stopwatch;
  LoadedModel loaded;
  loaded.pool = std::make_unique<ThreadPool>(flags.threads);
  SW_ASSIGN(const CatalogueEntry entry, find_model(flags.model));
  ModelOptions options;
  options.context = flags.context;
  SW_ASSIGN(Model model, open_model(entry.path(), options, *loaded.pool));
  loaded.model = std::make_unique<const Model>(std::move(model));
  loaded.load_ms = stopwatch.ms();
  return loaded;
}

}  // namespace sw
