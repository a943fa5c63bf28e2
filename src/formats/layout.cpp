#include "formats/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "formats/utf8.hpp"

namespace sw {

Result<std::uint64_t> stored_bytes(DType dtype, const Shape& shape) {
  const DTypeInfo& type = info(dtype);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::int64_t elements = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return fail("the shape " + to_string(shape) + " has a negative dimension");
    if (size == 0)
      empty = true;
    else if (elements > most / size)
      return fail("the shape " + to_string(shape) + " overflows");
    else
      elements *= size;
  }
  const std::int64_t row = shape.empty() ? 1 : shape.back();
  if (row % type.block_size != 0)
    return fail(fmt::format("the last dimension of the shape {} is not a whole number of {} blocks", to_string(shape),
                            type.name),
                {}, fmt::format("a multiple of {}", type.block_size));
  const std::int64_t blocks = elements / type.block_size;
  if (blocks > most / type.block_bytes) return fail("the shape " + to_string(shape) + " overflows");
  return empty ? 0 : static_cast<std::uint64_t>(blocks * type.block_bytes);
}

std::string_view repeated(std::vector<std::string_view> names) {
  std::ranges::sort(names);
  const auto it = std::ranges::adjacent_find(names);
  return it == names.end() ? std::string_view{} : *it;
}

Status check_distinct(std::span<const TensorView> tensors, const std::string& where) {
  std::vector<std::string_view> names(tensors.size());
  std::ranges::transform(tensors, names.begin(), &TensorView::name);
  if (const auto name = repeated(std::move(names)); !name.empty())
    return fail("two tensors are named " + in_quotes(name), where, "distinct names");

  std::vector<const TensorView*> by_address;
  by_address.reserve(tensors.size());
  for (const auto& tensor : tensors)
    if (!tensor.data.empty()) by_address.push_back(&tensor);
  const auto begin = [](const TensorView* tensor) { return tensor->data.data(); };
  std::ranges::sort(by_address, std::less<>{}, begin);
  const auto overlap = std::ranges::adjacent_find(by_address, [](const TensorView* a, const TensorView* b) {
    return std::less<>{}(b->data.data(), a->data.data() + a->data.size());
  });
  if (overlap == by_address.end()) return {};
  return fail(
      fmt::format("the tensors {} and {} overlap", in_quotes((*overlap)->name), in_quotes((*std::next(overlap))->name)),
      where, "each tensor in bytes of its own");
}

}  // namespace sw
