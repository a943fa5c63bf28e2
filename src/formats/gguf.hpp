#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "formats/checkpoint.hpp"
#include "formats/tensor_source.hpp"

/// GGUF, versions 2 and 3, little-endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
namespace sw {

/// Opens a GGUF file; the tensors stay in the mapped file. For one part of a split model ("name-00002-of-00003.gguf")
/// all parts are opened and joined, and the keys that describe the split ("split.*") are left out of the metadata.
Result<Checkpoint> read_gguf(const std::filesystem::path& path);

/// One GGUF file in memory: its keys, and views into `bytes`. `file` is its name in errors.
Result<Checkpoint> parse_gguf(std::span<const std::byte> bytes, const std::string& file);

/// Writes a version 3 file, complete or not at all. "general.alignment" in `metadata` is respected (32 without it).
Status write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorSource> tensors,
                  const WriteProgress& progress = {});

}  // namespace sw
