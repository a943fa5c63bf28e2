#pragma once

#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "formats/checkpoint.hpp"
#include "model/spec.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// A checkpoint with its tokenizer: what a path on the command line means.
struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::unique_ptr<const Tokenizer> tokenizer;  ///< null when the checkpoint has none
};

/// Opens a GGUF file (any part of a split one) or a Hugging Face folder.
Result<OpenedCheckpoint> open_checkpoint(const std::filesystem::path& path);

/// The spec of a checkpoint by its family, every tensor it needs checked to be there with the right shape.
Result<ModelSpec> read_spec(const Checkpoint& checkpoint, int context = 0);

}  // namespace sw
