// Golden checkpoints with a head that is large enough to be screened.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "model/model.hpp"
#include "quant/quant.hpp"

namespace sw {

inline constexpr std::int64_t large_vocab = 5000;

struct HeadCase {
  const char* name;
  DType dtype;
  float largest = 0;  ///< one weight of the head; 0: none of its own
};

/// A golden checkpoint whose embedding, which is its head too, has 5,000 random rows.
inline Checkpoint with_head(const Checkpoint& source, const HeadCase& head) {
  Checkpoint out = source;
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.05f);
  out.metadata.set("llama.vocab_size", static_cast<std::uint32_t>(large_vocab));
  for (TensorView& tensor : out.tensors) {
    if (tensor.name != "token_embd.weight") continue;
    const auto cols = static_cast<std::size_t>(tensor.shape[1]);
    const std::size_t row_bytes = info(head.dtype).row_bytes(cols);
    auto stored = std::make_shared<std::vector<std::byte>>(large_vocab * row_bytes);
    std::vector<float> row(cols);
    for (std::size_t r = 0; r < large_vocab; ++r) {
      for (float& x : row) x = normal(random);
      if (r == 4321 && head.largest != 0) row[3] = head.largest;
      quantize(head.dtype, row, stored->data() + r * row_bytes);
    }
    tensor.shape[0] = large_vocab;
    tensor.dtype = head.dtype;
    tensor.data = *stored;
    out.owned.push_back(std::move(stored));
  }
  return out;
}

}  // namespace sw
