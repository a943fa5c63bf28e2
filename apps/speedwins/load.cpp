#include "load.hpp"

#include <map>

#include "hub/catalogue.hpp"
#include "measure/stopwatch.hpp"

namespace sw {

void add_model_argument(CLI::App& command, std::string& model) {
  command.add_option("MODEL", model, "A GGUF file, a Hugging Face folder, a pulled name, or demo")->required();
}

void add_model_flags(CLI::App& command, ModelFlags& flags) {
  add_model_argument(command, flags.model);
  command.add_option("-t,--threads", flags.threads, "Threads (default: one per hardware thread)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--ctx", flags.context, "Positions of context (default: what the model was trained for)")
      ->check(CLI::Range(2, 1 << 24));
  static const std::map<std::string, KvType> kv_types = {{"f32", KvType::f32}, {"f16", KvType::f16}};
  command.add_option("--kv", flags.kv_type, "How keys and values are stored: f16 (default) or f32")
      ->transform(CLI::Transformer(kv_types));
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
