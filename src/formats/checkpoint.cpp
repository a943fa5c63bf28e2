#include "formats/checkpoint.hpp"

#include <algorithm>

namespace sw {

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto it = std::ranges::find(tensors, name, &TensorView::name);
  return it == tensors.end() ? nullptr : &*it;
}

}  // namespace sw
