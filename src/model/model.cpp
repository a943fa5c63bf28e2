#include "model/model.hpp"

#include <utility>

namespace sw {

Result<Model> open_model(const std::filesystem::path& path, const ModelOptions& options, ThreadPool& pool) {
  SW_ASSIGN(OpenedCheckpoint opened, open_checkpoint(path));
  Model model;
  SW_ASSIGN(model.spec, read_spec(opened.checkpoint, options.context));
  SW_ASSIGN(model.weights, Weights::load(model.spec, opened.checkpoint, options.weights, pool));
  model.tokenizer = std::move(opened.tokenizer);
  return model;
}

}  // namespace sw
