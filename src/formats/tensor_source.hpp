#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tensor/tensor.hpp"

namespace sw {

/// Takes the next bytes of a tensor.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

/// A tensor to be written. `produce` hands its bytes to the sink in order, in pieces of any size, so that a model
/// never has to fit in memory.
struct TensorSource {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::function<Status(const ByteSink&)> produce;
};

/// A source that copies the view's bytes.
TensorSource source_of(const TensorView& tensor);

/// Called as tensor bytes are written.
using WriteProgress = std::function<void(std::uint64_t written, std::uint64_t total)>;

/// Appends the source's data to the file; fails unless it is exactly `bytes` long.
Status write_tensor(AtomicFile& file, const TensorSource& source, std::uint64_t bytes,
                    const std::function<void(std::uint64_t written)>& progress);

}  // namespace sw
