#include <cstdint>
#include <cstdlib>

#include "formats/gguf.hpp"
#include "formats/layout.hpp"

/// Any bytes are either refused, or give tensors that lie within them, with the size that their shape needs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto read = sw::parse_gguf(bytes, "fuzz");
  if (!read) {
    if (read.error().what.empty() || read.error().where.empty()) std::abort();
    return 0;
  }
  for (const auto& tensor : read->tensors) {
    const auto needed = sw::stored_bytes(tensor.dtype, tensor.shape);
    if (!needed || *needed != tensor.data.size()) std::abort();
    if (tensor.data.data() < bytes.data() || tensor.data.data() + tensor.data.size() > bytes.data() + size)
      std::abort();
  }
  return 0;
}
