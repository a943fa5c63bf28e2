#pragma once

#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/checkpoint_io.hpp"
#include "model/spec.hpp"
#include "model/weights.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// A model ready to run.
struct Model {
  ModelSpec spec;
  std::shared_ptr<const Weights> weights;
  std::shared_ptr<const Tokenizer> tokenizer;  ///< null when the checkpoint has none
};

struct ModelOptions {
  int context = 0;  ///< positions wanted; 0: the checkpoint's own
  WeightsOptions weights;
};

/// Opens a GGUF file or Hugging Face folder and packs its weights.
Result<Model> open_model(const std::filesystem::path& path, const ModelOptions& options, ThreadPool& pool);

}  // namespace sw
