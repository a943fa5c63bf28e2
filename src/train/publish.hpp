#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "train/workspace.hpp"

namespace sw::train {

/// Writes the model as transformers saves it into `folder`, and as one GGUF file beside the folder, "FOLDER.gguf".
Status publish(const Workspace& space, const std::filesystem::path& folder, ThreadPool& pool);

}  // namespace sw::train
