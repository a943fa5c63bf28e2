#include "tensor/tensor.hpp"

#include <fmt/ranges.h>

namespace sw {

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace sw
