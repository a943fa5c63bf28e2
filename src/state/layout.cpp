#include "state/layout.hpp"

#include <variant>

#include "ops/ops.hpp"

namespace sw {
namespace {

std::size_t round_to_line(std::size_t n) {
  return (n + 63) / 64 * 64;
}

}  // namespace

StateLayout StateLayout::of(const ModelSpec& spec, KvType kv_type) {
  StateLayout layout;
  layout.kv_type = kv_type;
  std::size_t recurrent_floats = 0;
  for (const BlockSpec& block : spec.blocks) {
    LayerState layer;
    if (const auto* attention = std::get_if<Attention>(&block.mixer)) {
      layer.offset = layout.block_bytes;
      layer.head_bytes = round_to_line(KvLayout{kv_type, attention->head_dim}.bytes());
      layout.block_bytes += layer.head_bytes * static_cast<std::size_t>(attention->kv_heads);
    } else if (const auto* mamba = std::get_if<Mamba>(&block.mixer)) {
      layer.offset = recurrent_floats;
      recurrent_floats +=
          static_cast<std::size_t>(mamba->inner) * static_cast<std::size_t>(mamba->conv - 1 + mamba->state);
    }
    layout.layers.push_back(layer);
  }
  layout.recurrent_bytes = recurrent_floats * sizeof(float);
  return layout;
}

}  // namespace sw
