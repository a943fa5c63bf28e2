#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "formats/metadata.hpp"
#include "tensor/tensor.hpp"

namespace sw {

/// A model's stored form in GGUF's vocabulary: its keys and its tensor names ("blk.0.attn_q.weight"), whatever file
/// it came from. Tensors point into `files` or into `owned` (tensors that had to be transformed on import).
struct Checkpoint {
  Metadata metadata;
  std::vector<TensorView> tensors;
  std::vector<std::shared_ptr<const MappedFile>> files;
  std::vector<std::shared_ptr<const std::vector<std::byte>>> owned;

  /// Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;
};

}  // namespace sw
