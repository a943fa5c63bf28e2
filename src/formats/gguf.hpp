#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/checkpoint.hpp"

/// GGUF, versions 2 and 3, little-endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
namespace sw {

/// Opens a GGUF file; the tensors stay in the mapped file. For one part of a split model ("name-00002-of-00003.gguf")
/// all parts are opened and joined, and the keys that describe the split ("split.*") are left out of the metadata.
Result<Checkpoint> read_gguf(const std::filesystem::path& path);

/// One GGUF file in memory: its keys, and views into `bytes`. `file` is its name in errors.
Result<Checkpoint> parse_gguf(std::span<const std::byte> bytes, const std::string& file);

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

/// Writes a version 3 file, complete or not at all. "general.alignment" in `metadata` is respected (32 without it).
Status write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorSource> tensors,
                  const WriteProgress& progress = {});

}  // namespace sw
