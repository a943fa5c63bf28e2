#include "formats/safetensors.hpp"

#include <cstdint>
#include <cstdlib>

#include "formats/hf_folder.hpp"
#include "formats/layout.hpp"

/// Any bytes, read as a file and as a shard index, are either refused, or give tensors that lie within them, with the
/// size that their shape needs, and shards that are plain file names.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto read = sw::parse_safetensors(bytes, "fuzz")) {
    for (const auto& tensor : read->tensors) {
      const auto needed = sw::stored_bytes(tensor.dtype, tensor.shape);
      if (!needed || *needed != tensor.data.size()) std::abort();
      if (tensor.data.data() < bytes.data() || tensor.data.data() + tensor.data.size() > bytes.data() + size)
        std::abort();
    }
  } else if (read.error().what.empty() || read.error().where.empty()) {
    std::abort();
  }
  if (const auto index = sw::parse_shard_index({reinterpret_cast<const char*>(data), size}, "fuzz"))
    for (const auto& [tensor, shard] : *index)
      if (shard.find('/') != std::string::npos) std::abort();
  return 0;
}
