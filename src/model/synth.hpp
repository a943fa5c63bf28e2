#pragma once

#include <cstdint>
#include <filesystem>

#include "base/thread_pool.hpp"
#include "formats/gguf.hpp"
#include "model/file_type.hpp"
#include "model/shapes.hpp"
#include "model/spec.hpp"

namespace sw {

struct SynthOptions {
  const FileType* type = nullptr;  ///< null: F16
  std::uint64_t seed = 0;
  WriteProgress progress;
};

/// The spec of a shape, as of a checkpoint that has all its tensors.
Result<ModelSpec> shape_spec(const ModelShape& shape);

/// Writes a GGUF file with random weights at the shape's exact sizes. Every weight is a function of the seed, its
/// tensor's name and its index, so the file is the same on every machine and number of threads.
Status synth(const ModelShape& shape, const std::filesystem::path& out, ThreadPool& pool, const SynthOptions& options);

}  // namespace sw
