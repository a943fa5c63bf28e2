#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "formats/tensor_source.hpp"
#include "tensor/tensor.hpp"

/// safetensors (https://github.com/huggingface/safetensors#format).
namespace sw {

/// A tensor of an element type that this program does not read, for example a BOOL mask.
struct UnsupportedTensor {
  std::string name;
  std::string dtype;
};

struct Safetensors {
  std::vector<std::pair<std::string, std::string>> metadata;  ///< "__metadata__"
  std::vector<TensorView> tensors;                            ///< in the order of the header
  std::vector<UnsupportedTensor> unsupported;
  std::shared_ptr<const MappedFile> file;
};

/// Opens a safetensors file; the tensors stay in the mapped file.
Result<Safetensors> read_safetensors(const std::filesystem::path& path);

/// One file in memory, with views into `bytes`. `file` is its name in errors.
Result<Safetensors> parse_safetensors(std::span<const std::byte> bytes, const std::string& file);

/// Writes a file, complete or not at all, tensors of wide elements first. Quantized tensors are refused.
Status write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                         std::span<const std::pair<std::string, std::string>> metadata = {},
                         const WriteProgress& progress = {});

}  // namespace sw
